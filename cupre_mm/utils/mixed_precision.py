"""The ``--amp`` flag: mixed precision of a run's optimizer wrappers."""

import argparse
from collections.abc import Mapping

import torch
from mmengine.config import Config
from mmengine.device import get_device

from cupre_mm.utils.errors import BadConfigError

DTYPES = ('float16', 'bfloat16')
_BFLOAT16_WRAPPER = 'cupre_mm.BFloat16OptimWrapper'
_KNOWN = ('OptimWrapper', 'AmpOptimWrapper', _BFLOAT16_WRAPPER)


def add_amp_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--amp [float16|bfloat16]`` to a tool.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    parser.add_argument(
        '--amp',
        nargs='?',
        const='float16',
        choices=DTYPES,
        help='Train with mixed precision, in every optimizer wrapper of the '
        'config. float16, the default of the flag, needs a GPU and scales '
        'the loss; bfloat16 runs on the CPU too and does not.',
    )


def enable_amp(config: Config, dtype: str = 'float16') -> None:
    """Turn on mixed precision in one wrapper or one for each task.

    Args:
        config (Config): Config of the run, changed in place.
        dtype (str): 'float16', with loss scaling, or 'bfloat16', whose range
            is that of float32 and needs none. Defaults to 'float16'.

    Raises:
        BadConfigError: If the device does not compute in this type, or a
            wrapper is of another type.
    """
    _check_device(dtype)
    outer = config.optim_wrapper
    wrappers = {'optim_wrapper': outer}
    if 'optimizer' not in outer:
        wrappers = {
            f'optim_wrapper.{task}': wrapper
            for task, wrapper in outer.items()
            if isinstance(wrapper, Mapping) and 'optimizer' in wrapper
        }
    if not wrappers:
        raise BadConfigError('--amp finds no optimizer in optim_wrapper')
    for name, wrapper in wrappers.items():
        kind = wrapper.get('type', 'OptimWrapper')
        if kind not in _KNOWN:
            raise BadConfigError(
                f'--amp cannot change {name}.type={kind!r}; it must be '
                "'OptimWrapper'"
            )
        if dtype == 'float16':
            wrapper.update(type='AmpOptimWrapper', dtype=dtype)
            wrapper.setdefault('loss_scale', 'dynamic')
        else:
            wrapper.type = _BFLOAT16_WRAPPER
            for option in ('loss_scale', 'dtype', 'use_fsdp'):
                wrapper.pop(option, None)


def _check_device(dtype: str) -> None:
    if dtype not in DTYPES:
        raise BadConfigError(f'--amp {dtype}: choose one of {DTYPES}')
    device = get_device()
    if dtype == 'float16' and device in ('cpu', 'mps'):
        raise BadConfigError(
            '--amp float16 needs a GPU, NPU, MLU or MUSA device, and torch '
            'finds none: use --amp bfloat16, which runs on the CPU, or leave '
            '--amp out'
        )
    if dtype == 'bfloat16' and device not in ('cpu', 'cuda'):
        raise BadConfigError(
            '--amp bfloat16 runs on the CPU and on CUDA devices, and this '
            f'one is {device!r}: use --amp float16, or leave --amp out'
        )
    if (
        dtype == 'bfloat16'
        and device == 'cuda'
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        raise BadConfigError(
            f'--amp bfloat16: {torch.cuda.get_device_name()} computes no '
            'bfloat16 (GPUs do since NVIDIA Ampere): use --amp float16'
        )
