"""Checks of disk space, shared memory and limits of the machine."""

import os
import resource
import shutil
import tempfile
from pathlib import Path

from cupre_mm.utils.doctor.findings import OK, PROBLEM, WARNING, Finding
from cupre_mm.utils.doctor.state import State

GB = 1e9
# A checkpoint of configs/amt2.py: weights, momentum of SGD, key encoder and
# queue, four bytes each. One more than is kept lies there while it is written.
CHECKPOINT_GB = 0.8
KEPT = 2
# The largest file that torch fetches is mmdet's COCO checkpoint, 0.31 GB.
CACHE_GB = 1.0
SHM = Path('/dev/shm')
SHM_GB = 1.0
# What Docker gives a container.
SHM_LEAST_GB = 0.1
OPEN_FILES = 1024


def check_disk(state: State) -> list[Finding]:
    """Look at the free space where runs, data and downloads are written.

    Args:
        state (State): The folders and ``min_free_gb``.

    Returns:
        list[Finding]: One finding.
    """
    places = {
        'runs': (state.work_dir, state.min_free_gb),
        'data': (state.data_root, CACHE_GB),
        'torch cache': (_torch_cache(), CACHE_GB),
        'temporary files': (Path(tempfile.gettempdir()), CACHE_GB),
    }
    told, short, locked, details = [], [], [], {}
    for name, (path, needed) in places.items():
        existing = _existing(path)
        free = shutil.disk_usage(existing).free / GB
        writable = os.access(existing, os.W_OK)
        details[name] = {
            'path': str(path),
            'free_gb': round(free, 1),
            'needed_gb': needed,
            'writable': writable,
        }
        told.append(f'{name} {free:.1f} GB ({path})')
        if free < needed:
            short.append((name, needed))
        if not writable:
            locked.append(f'{existing} ({name})')
    summary = 'free: ' + ', '.join(told)
    estimate = (KEPT + 1) * CHECKPOINT_GB
    details['run_estimate_gb'] = estimate
    summary += (
        f'; a run of configs/amt2.py writes {estimate:.1f} GB: {KEPT} '
        f'checkpoints of {CHECKPOINT_GB} GB and one being written'
    )
    if not short and not locked:
        return [Finding('disk space', OK, summary, (), details)]
    mend = []
    if short:
        listed = ', '.join(f'{name} (wants {gb:g} GB)' for name, gb in short)
        summary += f'; too little for {listed}'
    for name, _ in short:
        mend.append(f'du -xh {_existing(places[name][0])} | sort -h | tail')
    if any(name == 'runs' for name, _ in short):
        mend.append('python tools/train.py CONFIG --work-dir /other/disk/run')
    if locked:
        summary += f'; cannot write to {", ".join(locked)}'
        mend.append(f'sudo chown "$USER" {locked[0].rpartition(" (")[0]}')
    grave = any(name == 'runs' for name, _ in short) or any(
        one.endswith('(runs)') for one in locked
    )
    status = PROBLEM if grave else WARNING
    return [Finding('disk space', status, summary, tuple(mend), details)]


def check_shared_memory(state: State, folder: Path = SHM) -> list[Finding]:
    """Look at the memory through which loader workers pass batches.

    Args:
        state (State): Not used.
        folder (Path): Where it is mounted. Defaults to ``/dev/shm``.

    Returns:
        list[Finding]: One finding.
    """
    check = 'shared memory'
    if not folder.is_dir():
        told = f'{folder} is not there: use num_workers=0'
        return [Finding(check, WARNING, told)]
    usage = shutil.disk_usage(folder)
    details = {
        'total_gb': round(usage.total / GB, 2),
        'free_gb': round(usage.free / GB, 2),
    }
    told = f'{folder}: {usage.free / GB:.2f} of {usage.total / GB:.2f} GB free'
    if usage.free / GB >= SHM_GB:
        return [Finding(check, OK, told, (), details)]
    told += (
        f'; loader workers pass images through it and want {SHM_GB:g} GB; '
        'too little ends a run with "Bus error"'
    )
    mend = (
        'docker run --shm-size=8g ...  # in a container',
        f'sudo mount -o remount,size=8G {folder}',
    )
    grave = usage.free / GB < SHM_LEAST_GB
    status = PROBLEM if grave else WARNING
    return [Finding(check, status, told, mend, details)]


def check_open_files(state: State) -> list[Finding]:
    """Look at how many files a process may open.

    Args:
        state (State): Not used.

    Returns:
        list[Finding]: One finding.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    details = {'soft': soft, 'hard': hard}
    told = f'{soft} (at most {hard})'
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES:
        return [Finding('open files', OK, told, (), details)]
    told += (
        f'; loader workers hold a file for each tensor and want {OPEN_FILES}; '
        'too few end a run with "received 0 items of ancdata" or "Too many '
        'open files"'
    )
    mend = (f'ulimit -n {max(4096, OPEN_FILES)}',)
    return [Finding('open files', WARNING, told, mend, details)]


def _existing(path: Path) -> Path:
    """Find the nearest folder that is there already."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def _torch_cache() -> Path:
    """Find where torch keeps what it fetches, as torch.hub does."""
    home = os.environ.get('XDG_CACHE_HOME', '~/.cache')
    return Path(os.environ.get('TORCH_HOME', f'{home}/torch')).expanduser()
