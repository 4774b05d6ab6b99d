"""What a run of a grid prints while it goes on."""

import time

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.pool import ELSEWHERE
from cupre_mm.utils.benchmark_grid.progress import (
    Estimate,
    counts_of,
    duration,
    progress_of_task,
)
from cupre_mm.utils.benchmark_grid.records import DONE, FAILED, RUNNING
from cupre_mm.utils.benchmark_grid.tasks import Task

_SECONDS_BETWEEN_LINES = 60


class Display:
    """Prints a line an event, and one a minute of how far all is.

    Args:
        benchmark (Benchmark): What is run.
        tasks (dict[str, Task]): Tasks that were asked for.
        slots (int): Tasks at a time.
    """

    def __init__(
        self, benchmark: Benchmark, tasks: dict[str, Task], slots: int
    ) -> None:
        self.benchmark, self.tasks = benchmark, tasks
        self.states: dict[str, str] = {}
        self.has_new_cell = False
        self._estimate = Estimate(tasks, benchmark.work_dir, slots)
        self._shown = time.monotonic()

    def show(self, task: Task, state: str) -> None:
        """Print an event.

        Args:
            task (Task): What it is about.
            state (str): Its new state.
        """
        clock = time.strftime('%H:%M:%S')
        counts = counts_of(self.states)
        print(f'{clock} {task.name}: {state} ({counts})', flush=True)
        self.has_new_cell |= task.is_cell and state in (DONE, FAILED)

    def tick(self) -> None:
        """Print how far all is, once a minute; write tables of new cells."""
        if self.has_new_cell:
            self.has_new_cell = False
            self.benchmark.report(quick=True)
        if time.monotonic() - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = time.monotonic()
        left = duration(self._estimate.seconds(self.states))
        running = [
            progress_of_task(task, self.benchmark.work_dir)
            for name, task in self.tasks.items()
            if self.states[name] in (RUNNING, ELSEWHERE)
        ]
        print(
            f'{time.strftime("%H:%M:%S")} {counts_of(self.states)}; time '
            f'left: {left}; {"; ".join(running)}',
            flush=True,
        )
