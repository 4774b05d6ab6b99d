"""Tiny runs in processes of their own that are killed and go on."""

import hashlib
import json
import os
import random
import signal
import stat
import time
import traceback
from collections.abc import Iterable
from multiprocessing import Process
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from cupre_mm.utils.resume_point import find_resume_point
from cupre_mm.utils.safe_load import load_local
from tests.forked import in_process
from tests.tiny_amt2 import run_config

CLOCKS = ('time', 'data_time', 'memory', 'eta')


def _digest(value: Any) -> str:
    """A digest of the bits of all arrays in a batch."""
    found = hashlib.sha256()

    def visit(node: Any) -> None:
        if isinstance(node, torch.Tensor):
            found.update(node.numpy().tobytes())
        elif isinstance(node, np.ndarray):
            found.update(node.tobytes())
        elif isinstance(node, dict):
            for key in sorted(node):
                visit(node[key])
        elif isinstance(node, (list, tuple)):
            for one in node:
                visit(one)
        elif hasattr(node, 'gt_instances'):
            instances = node.gt_instances
            visit(instances.bboxes.tensor)
            visit(instances.labels)
            visit(instances.masks.masks)

    visit(value)
    return found.hexdigest()


class DataRecorder(Hook):
    """Writes names and digests of all images that reach the model."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        seen = {
            task: [
                dict(
                    names=[Path(s.img_path).name for s in one['data_samples']],
                    digest=_digest(one),
                )
                for one in drawn
            ]
            for task, drawn in data_batch.items()
        }
        with self.path.open('a') as file:
            file.write(json.dumps(dict(iter=runner.iter, seen=seen)) + '\n')


def run(
    data: Path, work: Path, options: dict[str, Any], save_seconds: float = 0
) -> None:
    """Train in this process; a checkpoint takes ``save_seconds`` to write."""
    work.mkdir(exist_ok=True)
    # Not the pipe of the tests, which would wait for every last worker.
    log = os.open(work / 'log.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if save_seconds:
        _slow_down_saving(work / 'saving', save_seconds)
    config = run_config(data, work, options)
    # Processes that were forked from one count alike.
    config.experiment_name = f'{work.name}_{os.getpid()}_{time.time_ns()}'
    runner = Runner.from_cfg(config)
    runner.register_hook(DataRecorder(work / 'data.jsonl'))
    try:
        runner.train()
        (work / 'done').touch()
        code = 0
    except BaseException:
        traceback.print_exc()
        code = 1
    # Not the seconds that torch waits for each worker's queue.
    os._exit(code)


def _slow_down_saving(mark: Path, seconds: float) -> None:
    """Let half of a checkpoint lie on the disk for a while."""
    flush = os.fsync

    def slow(descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_size > 10_000:
            half = status.st_size // 2
            path = Path(f'/proc/self/fd/{descriptor}').resolve()
            rest = path.read_bytes()[half:]
            os.ftruncate(descriptor, half)
            with mark.open('a') as file:
                file.write('x')
            time.sleep(seconds)
            os.pwrite(descriptor, rest, half)
        flush(descriptor)

    os.fsync = slow


def run_to_end(data: Path, work: Path, options: dict[str, Any]) -> None:
    """Train in a process that nobody disturbs."""
    process = in_process(run, data, work, dict(options))
    process.join()
    assert process.exitcode == 0, (work / 'log.txt').read_text()[-3000:]


def run_with_kills(
    data: Path,
    work: Path,
    options: dict[str, Any],
    kills: int,
    workers: Iterable[int],
    seed: int = 0,
) -> dict[str, int]:
    """Train, with SIGKILL at random moments and resuming after each.

    Args:
        data (Path): Folder of the demo data.
        work (Path): Work dir.
        options (dict): Values of the config to change.
        kills (int): How often to kill. Every third hits half of a
            checkpoint on the disk.
        workers (Iterable[int]): Loader workers of each start.
        seed (int): Seed of the moments. Defaults to 0.

    Returns:
        dict: Counts of what happened.
    """
    moments = random.Random(seed)
    counts = dict(
        kills=0,
        while_saving=0,
        before_training=0,
        from_start=0,
        iterations_lost=0,
        half_files=0,
    )
    workers = iter(workers)
    for number in range(kills):
        process = _start(data, work, options, next(workers), 0.3)
        before = _size(work / 'data.jsonl')
        if number % 3 == 1:
            if not _reaches(process, work / 'saving', moments.randint(1, 4)):
                break
            time.sleep(moments.uniform(0, 0.25))
            counts['while_saving'] += 1
        elif number % 6 != 5:
            if not _reaches(
                process, work / 'data.jsonl', moments.randint(1, 8)
            ):
                break
            time.sleep(moments.uniform(0, 0.5))
        else:
            time.sleep(moments.uniform(0, 1.5))
        if (work / 'done').exists():
            break
        # Its workers as well, as when a machine goes down, or it alone.
        if moments.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        counts['kills'] += 1
        counts['before_training'] += _size(work / 'data.jsonl') == before
        counts['half_files'] += len(list(work.glob('.*.whole-part')))
        point = find_resume_point(work)
        counts['from_start'] += point.path is None
        counts['iterations_lost'] += _iterations(work) - point.iteration
    process = _start(data, work, options, next(workers), 0)
    process.join()
    assert process.exitcode == 0, (work / 'log.txt').read_text()[-3000:]
    return counts


def _start(
    data: Path, work: Path, options: dict, workers: int, seconds: float
) -> Process:
    options = dict(options, resume=True)
    for task in ('moco', 'det'):
        options[f'train_dataloader.{task}.num_workers'] = workers
    return in_process(run, data, work, options, seconds)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reaches(process: Process, path: Path, times: int) -> bool:
    """Wait until a file has grown so many times."""
    size = _size(path)
    while times:
        if not process.is_alive():
            log = (path.parent / 'log.txt').read_text()
            assert process.exitcode == 0, log[-3000:]
            return False
        time.sleep(0.002)
        if _size(path) != size:
            size = _size(path)
            times -= 1
    return True


def _iterations(work: Path) -> int:
    lines = _whole_lines(work / 'data.jsonl')
    return json.loads(lines[-1])['iter'] + 1 if lines else 0


def _whole_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = path.read_text().split('\n')
    return [line for line in lines if line.endswith('}')]


def data_of(work: Path) -> tuple[dict[int, Any], int]:
    """Images by iteration, and how often one came again, always the same."""
    seen: dict[int, Any] = {}
    again = 0
    for line in _whole_lines(work / 'data.jsonl'):
        entry = json.loads(line)
        again += entry['iter'] in seen
        assert seen.setdefault(entry['iter'], entry['seen']) == entry['seen']
    return seen, again


def losses_of(work: Path) -> tuple[dict[int, Any], int]:
    """Lines of scalars.json by iteration, without clocks, and how often."""
    logged: dict[int, Any] = {}
    again = 0
    for path in sorted(work.rglob('scalars.json')):
        for text in _whole_lines(path):
            line = {
                name: value
                for name, value in json.loads(text).items()
                if name.rpartition('/')[2] not in CLOCKS
            }
            again += line['iter'] in logged
            assert logged.setdefault(line['iter'], line) == line
    return logged, again


def state_of(work: Path, iterations: int) -> dict[str, Any]:
    """What is left of a checkpoint without names, paths and clocks."""
    saved = load_local(work / f'iter_{iterations}.pth', 'cpu')
    hub = saved['message_hub']['log_scalars']
    return dict(
        weights=saved['state_dict'],
        optimizer=saved['optimizer'],
        schedulers=saved.get('param_schedulers'),
        ema=saved.get('ema_state_dict', {}),
        exact=saved['exact_resume'],
        best=saved['message_hub']['runtime_info'].get('best_score'),
        logged={
            name: [buffer._log_history, buffer._count_history]
            for name, buffer in hub.items()
            if name.rpartition('/')[2] not in CLOCKS
        },
    )


def differences(one: Any, other: Any, name: str = '') -> list[str]:
    """Names of all values that are not bit-identical."""
    if type(one) is not type(other):
        return [name]
    if isinstance(one, torch.Tensor):
        same = one.dtype == other.dtype and one.equal(other)
        return [] if same else [name]
    if isinstance(one, np.ndarray):
        return [] if one.tobytes() == other.tobytes() else [name]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [name + '.keys']
        return [
            found
            for key in one
            for found in differences(one[key], other[key], f'{name}.{key}')
        ]
    if isinstance(one, (list, tuple)):
        if len(one) != len(other):
            return [name + '.length']
        return [
            found
            for number, (a, b) in enumerate(zip(one, other))
            for found in differences(a, b, f'{name}.{number}')
        ]
    return [] if one == other else [name]
