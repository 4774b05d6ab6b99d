"""Slots: how many tasks run at a time, and on which device each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cupre_mm.utils.errors import BadConfigError

_GPUS = 'CUDA_VISIBLE_DEVICES'
_THREADS = 'OMP_NUM_THREADS'


@dataclass(frozen=True)
class Slot:
    """Runs one task at a time.

    Attributes:
        device (str): 'cpu' or 'cuda:N'.
        environment (dict): Variables of its processes.
    """

    device: str
    environment: dict[str, str]


def make_slots(
    jobs: int | None, devices: Sequence[str] | None, amp: str | None
) -> list[Slot]:
    """Make the slots that were asked for.

    Each gets its share of the cores as ``OMP_NUM_THREADS``, unless the
    caller has set that.

    Args:
        jobs (int, optional): Number of slots, on the GPUs in turn or, where
            there is none, on the CPU. Defaults to one a GPU, or one.
        devices (Sequence[str], optional): A device for each slot; one may
            be named several times. Defaults to None: by ``jobs``.
        amp (str, optional): Mixed precision of the trainings.

    Returns:
        list[Slot]: At least one.

    Raises:
        BadConfigError: If a device is none of this machine's, or cannot
            compute in that precision.
    """
    if not devices:
        gpus = [f'cuda:{index}' for index in range(len(_visible_gpus()))]
        known = gpus or ['cpu']
        number = jobs or len(known)
        devices = [known[index % len(known)] for index in range(number)]
    if amp == 'float16' and 'cpu' in devices:
        raise BadConfigError(
            "amp='float16' needs a GPU, and a slot is on the CPU: use "
            '--cfg-options benchmark.amp=bfloat16, or --devices cuda:0'
        )
    threads = os.environ.get(_THREADS) or str(max(1, _cores() // len(devices)))
    return [
        Slot(device, {_GPUS: _gpu_of(device), _THREADS: threads})
        for device in devices
    ]


def _gpu_of(device: str) -> str:
    if device == 'cpu':
        return ''
    kind, _, index = device.partition(':')
    index = index or '0'
    if kind != 'cuda' or not index.isdigit():
        raise BadConfigError(
            f'--devices {device}: write cpu, or cuda:N with the number of a '
            'GPU'
        )
    gpus = _visible_gpus()
    if int(index) >= len(gpus):
        raise BadConfigError(
            f'--devices {device}: this machine shows {len(gpus)} GPUs'
        )
    return gpus[int(index)]


def _visible_gpus() -> list[str]:
    """What to set so that a process sees one GPU, for each GPU."""
    from torch.cuda import device_count

    number = device_count()
    named = os.environ.get(_GPUS)
    if named is None:
        return [str(index) for index in range(number)]
    return [part.strip() for part in named.split(',') if part.strip()][:number]


def _cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
