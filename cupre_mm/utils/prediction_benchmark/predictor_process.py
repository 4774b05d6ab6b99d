"""Predictors in processes of their own, which take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.measured_process import memory_mib

_MARK = '@@ '
_MIB = 2**20
Load = Callable[
    [dict[str, Any]],
    tuple[Callable[[Path], Any], Callable[[Any], list[dict[str, Any]]]],
]


def serve(settings: dict[str, Any], load: Load) -> None:
    """Predict whenever a line comes in; in a process of its own.

    Args:
        settings (dict): What :class:`PredictorProcess` was given.
        load (Callable): From the settings to what predicts an image file,
            and what turns its result into dicts as COCO has them, after
            the clock was stopped.
    """
    torch.set_num_threads(settings['threads'])
    predict, finish = load(settings)
    paths = {int(key): Path(one) for key, one in settings['paths'].items()}
    # Building kernels and filling caches is not what is measured.
    predict(Path(settings['warm_up']))
    _tell(dict(loaded=memory_mib()['VmRSS']))
    found: dict[int, Any] = {}
    for line in sys.stdin:
        if line.strip() == 'stop':
            break
        start, worked = time.perf_counter(), time.process_time()
        found = {key: predict(path) for key, path in paths.items()}
        _tell(
            dict(
                seconds=time.perf_counter() - start,
                cpu_seconds=time.process_time() - worked,
                peak=memory_mib()['VmHWM'],
                gpu_peak=torch.cuda.max_memory_allocated() / _MIB
                if torch.cuda.is_available()
                else 0,
            )
        )
    results = {key: finish(one) for key, one in found.items()}
    write_json(Path(settings['results']), results)


def _tell(message: dict[str, Any]) -> None:
    print(f'\n{_MARK}{json.dumps(message)}', flush=True)


class PredictorProcess:
    """A predictor in a process of its own.

    Args:
        command (list[str]): Runs a program that calls :func:`serve` with
            the json in its last argument.
        settings (dict): ``side`` (its name), ``paths``, ``warm_up``,
            ``results``, ``threads`` and what ``load`` needs.
        limit (float): GiB at which it is stopped.
        log (Path): Where its messages go.

    Attributes:
        rounds (list[dict]): Seconds and memory of each round.
        failure (str, optional): Why there are none.
        loaded (float): MiB before the first round.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: dict[str, Any],
        limit: float,
        log: Path,
    ) -> None:
        self.name = settings['side']
        self.rounds: list[dict[str, float]] = []
        self.failure: str | None = None
        self._results = Path(settings['results'])
        self._limit, self._log = limit, log
        environment = os.environ | dict(
            OMP_NUM_THREADS=str(settings['threads'])
        )
        self._process = subprocess.Popen(
            [*command, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open('w'),
            text=True,
            env=environment,
        )
        threading.Thread(target=self._watch, daemon=True).start()
        self.loaded = self._hear().get('loaded')

    def run(self) -> None:
        """Predict once more."""
        if self.failure is None:
            self._say('go')
            heard = self._hear()
            if heard:
                self.rounds.append(heard)

    def end(self) -> dict[int, list[dict[str, Any]]]:
        """Let it write what it found, and read that."""
        if self.failure is None:
            self._say('stop')
            self._process.wait()
        if self.failure is not None or not self._results.is_file():
            return {}
        return {
            int(key): one
            for key, one in json.loads(self._results.read_text()).items()
        }

    def _say(self, word: str) -> None:
        self._process.stdin.write(f'{word}\n')
        self._process.stdin.flush()

    def _hear(self) -> dict[str, float]:
        for line in self._process.stdout:
            if line.startswith(_MARK):
                return json.loads(line[len(_MARK) :])
        self._process.wait()
        if self.failure is None:
            tail = self._log.read_text().strip().splitlines()[-3:]
            self.failure = ' / '.join(tail) or 'ended without a word'
        return {}

    def _watch(self) -> None:
        status = Path(f'/proc/{self._process.pid}/status')
        while self._process.poll() is None and status.exists():
            for line in status.read_text().splitlines():
                if line.startswith('VmRSS:'):
                    used = int(line.split()[1]) / _MIB
                    if used > self._limit:
                        self.failure = f'took more than {self._limit:g} GiB'
                        self._process.kill()
            time.sleep(0.05)
