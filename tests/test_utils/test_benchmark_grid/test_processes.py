"""Processes of tasks: none goes on unwatched."""

import os
import sys

import pytest

from cupre_mm.utils.benchmark_grid.processes import Stop, run_process


def test_a_process_that_cannot_be_noted_is_killed(tmp_path):
    started = []

    def full_disk(number: int) -> None:
        started.append(number)
        raise OSError('no space left')

    command = [sys.executable, '-c', 'import time; time.sleep(600)']
    with pytest.raises(OSError, match='no space'):
        run_process(
            command, tmp_path / 'log', {}, Stop(), full_disk, lambda: False
        )
    # Waited for as well: its number is free again.
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
