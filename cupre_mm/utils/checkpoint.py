"""Finding and reading checkpoint files."""

import socket
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmengine.runner import CheckpointLoader
from torch import Tensor

from cupre_mm.utils.errors import (
    BadCheckpointError,
    MissingDataError,
    NoNetworkError,
    UserError,
)
from cupre_mm.utils.safe_load import load_local, register_safe_loaders

# Whoever reads a checkpoint through mmengine from now on, runs none of its
# code.
register_safe_loaders()

# Seconds without an answer after which a download counts as unreachable.
_TIMEOUT = 30


def resolve_checkpoint(ref: str) -> str:
    """Make sure before training that a checkpoint can be loaded.

    A URL is fetched into torch's cache, where the later load finds it.

    Args:
        ref (str): A file, a URL, or any reference that mmengine takes, such
            as 'torchvision://resnet50'.

    Returns:
        str: The reference, unchanged.

    Raises:
        MissingDataError: If the file does not exist.
        NoNetworkError: If the URL cannot be reached.
    """
    if '://' not in ref:
        if not Path(ref).expanduser().is_file():
            raise MissingDataError(
                f'The checkpoint {ref!r} does not exist. Train it first, or '
                'name another one with --cfg-options load_from=FILE '
                '(load_from=None starts from random weights).'
            )
        return ref
    try:
        with _socket_timeout(_TIMEOUT):
            CheckpointLoader.load_checkpoint(ref, map_location='cpu')
    except (URLError, ConnectionError, TimeoutError) as error:
        raise NoNetworkError(
            f'The checkpoint {ref!r} cannot be downloaded ({error}). On a '
            'machine with a network download it by hand, copy it here and '
            'pass --cfg-options load_from=FILE.'
        ) from error
    return ref


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def checkpoint_references(config: Mapping) -> list[str]:
    """All checkpoints that a run will load before its first iteration.

    Args:
        config (Mapping): Config of the run.

    Returns:
        list[str]: ``load_from`` and every ``init_cfg`` of type 'Pretrained'
        in the model.
    """
    found = [config['load_from']] if config.get('load_from') else []

    def visit(node: Any) -> None:
        if isinstance(node, Mapping):
            # init_cfg may be a dict or a list of dicts.
            if node.get('type') == 'Pretrained' and node.get('checkpoint'):
                found.append(node['checkpoint'])
            for value in node.values():
                visit(value)
        elif isinstance(node, (list, tuple)):
            for value in node:
                visit(value)

    visit(config.get('model', {}))
    return found


def read_checkpoint(path: str | Path, *, keep: bool = False) -> dict:
    """Read a checkpoint file to the CPU.

    Args:
        path (str | Path): The file.
        keep (bool): Whether a local file is about to be loaded again; see
            :func:`~cupre_mm.utils.safe_load.load_local`. Defaults to False.

    Returns:
        dict: The checkpoint, as mmengine's Runner wrote it.

    Raises:
        MissingDataError: If the file does not exist.
        BadCheckpointError: If it is no checkpoint, or holds a type that no
            checkpoint needs.
    """
    resolve_checkpoint(str(path))
    try:
        if '://' in str(path):
            checkpoint = CheckpointLoader.load_checkpoint(
                str(path), map_location='cpu'
            )
        else:
            checkpoint = load_local(path, 'cpu', keep=keep)
    except UserError:
        raise
    except Exception as error:
        raise BadCheckpointError(
            f'{path} cannot be read as a checkpoint ({error}): is the file '
            'complete?'
        ) from error
    if not isinstance(checkpoint, dict):
        raise BadCheckpointError(
            f'{path} holds a {type(checkpoint).__name__}, not a checkpoint '
            "with a 'state_dict'."
        )
    return checkpoint


def state_dict_of(checkpoint: dict) -> dict[str, Tensor]:
    """Weights of a checkpoint without the prefix of a distributed wrapper.

    Args:
        checkpoint (dict): A checkpoint or a bare state dict.

    Returns:
        dict[str, Tensor]: Weights by name. Where mmengine's EMAHook ran,
        these are the averaged ones: the hook swaps them in when it saves.
    """
    state = checkpoint.get('state_dict', checkpoint)
    return {
        name.removeprefix('module.'): value for name, value in state.items()
    }


def rename_moco_keys(state_dict: MutableMapping[str, Tensor]) -> None:
    """Turn a MoCo checkpoint of mmselfsup or mmpretrain into an AMT2 one.

    ``neck.*``, ``encoder_k.*``, ``queue`` and ``queue_ptr`` move under
    ``moco.``; ``backbone.*`` stays. Any other checkpoint is left alone.

    Args:
        state_dict (MutableMapping): Weights by name, changed in place.
    """
    if 'queue' not in state_dict or 'queue_ptr' not in state_dict:
        return
    for name in list(state_dict):
        if name in ('queue', 'queue_ptr'):
            new = f'moco.queue.{name}'
        elif name.startswith('neck.'):
            new = name.replace('neck.', 'moco.neck.projector.', 1)
        elif name.startswith('encoder_k.module.1.'):
            new = name.replace(
                'encoder_k.module.1.', 'moco.encoder_k.module.1.projector.', 1
            )
        elif name.startswith('encoder_k.'):
            new = f'moco.{name}'
        else:
            continue
        state_dict[new] = state_dict.pop(name)
    queue = state_dict['moco.queue.queue']
    # Neither library counts its keys; a saved queue holds real ones.
    state_dict['moco.queue.num_enqueued'] = queue.new_full(
        (1,), queue.shape[1]
    ).long()
