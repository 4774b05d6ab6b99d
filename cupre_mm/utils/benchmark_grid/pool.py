"""Runs the tasks of a grid, several at a time, each after what it needs."""

import threading
from collections.abc import Callable, Mapping, Sequence

from cupre_mm.utils.benchmark_grid.claims import is_claimed
from cupre_mm.utils.benchmark_grid.devices import Slot
from cupre_mm.utils.benchmark_grid.execution import (
    STOPPED,
    TAKEN,
    Execution,
)
from cupre_mm.utils.benchmark_grid.records import (
    DONE,
    FAILED,
    RUNNING,
    is_done,
    read_record,
)
from cupre_mm.utils.benchmark_grid.tasks import Task

WAITING, BLOCKED, ELSEWHERE = 'waiting', 'blocked', 'elsewhere'
# A task that another process runs is taken over if that one ends early.
RUNNABLE = frozenset({WAITING, ELSEWHERE})
_POLL_SECONDS = 2.0


def state_of(task: Task, execution: Execution) -> str:
    """State of a task, by what is on the disk.

    Args:
        task (Task): The task.
        execution (Execution): Knows the work dir.

    Returns:
        str: 'done', 'failed', 'elsewhere' where a process runs it, else
        'waiting'.
    """
    work_dir = execution.work_dir
    if is_done(task, work_dir):
        return DONE
    if is_claimed(work_dir / task.name):
        return ELSEWHERE
    if read_record(task, work_dir).get('status') == FAILED:
        return FAILED
    return WAITING


class Pool:
    """Slots that take the next task when they are free.

    Several pools may share a work dir: a task that another one runs is left
    to it and waited for, and taken over if that process ends before it does.

    Args:
        execution (Execution): Runs a task.
        tasks (Mapping[str, Task]): Tasks by name, each after what it needs.
        slots (Sequence[Slot]): What runs them.
        on_event (Callable): Called with a task and its new state.
        retry_failed (bool): Whether failed tasks are run again. Defaults to
            False.
    """

    def __init__(
        self,
        execution: Execution,
        tasks: Mapping[str, Task],
        slots: Sequence[Slot],
        on_event: Callable[[Task, str], None],
        retry_failed: bool = False,
    ) -> None:
        self.execution, self.tasks, self.slots = execution, tasks, slots
        self.states = {n: state_of(t, execution) for n, t in tasks.items()}
        self._retry: set[str] = set()
        if retry_failed:
            self._retry = {n for n, s in self.states.items() if s == FAILED}
            self.states |= dict.fromkeys(self._retry, WAITING)
        self._lock = threading.RLock()
        self._on_event = on_event
        self.errors: list[BaseException] = []

    def run(self, on_tick: Callable[[], None]) -> None:
        """Run until nothing is left that could run.

        Args:
            on_tick (Callable): Called every few tenths of a second by the
                calling thread, the one that receives signals.

        Raises:
            BaseException: What a slot raised.
        """
        for name, task in self.tasks.items():
            if self.states[name] == DONE:
                self.execution.tidy(task)
        threads = [
            threading.Thread(target=self._work, args=(slot,))
            for slot in self.slots
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.3)
                on_tick()
        if self.errors:
            raise self.errors[0]

    def _work(self, slot: Slot) -> None:
        stop = self.execution.stop
        try:
            while not stop.is_asked and not self.errors:
                task, is_over = self._next()
                if is_over:
                    return
                if task is None:
                    stop.wait(_POLL_SECONDS)
                    continue
                self._on_event(task, RUNNING)
                again = task.name in self._retry
                self._end(task, self.execution.run(task, slot, again))
        # Any error of one slot ends the others, and is raised by run().
        except BaseException as error:
            self.errors.append(error)

    def _next(self) -> tuple[Task | None, bool]:
        """The next task, and whether there will be none any more."""
        with self._lock:
            self._look_elsewhere()
            awaited = False
            for name, task in self.tasks.items():
                awaited |= self.states[name] == ELSEWHERE
                if self.states[name] != WAITING:
                    continue
                before = self.states.get(task.needs, DONE)
                if before in (FAILED, BLOCKED):
                    self._set(task, BLOCKED)
                elif before == DONE:
                    self.states[name] = RUNNING
                    return task, False
                elif before != STOPPED:
                    awaited = True
            return None, not awaited

    def _look_elsewhere(self) -> None:
        for name, state in self.states.items():
            if state == ELSEWHERE:
                now = state_of(self.tasks[name], self.execution)
                if now != ELSEWHERE:
                    self._set(self.tasks[name], now)

    def _end(self, task: Task, state: str) -> None:
        with self._lock:
            if state == TAKEN:
                state = ELSEWHERE
            self._set(task, state)

    def _set(self, task: Task, state: str) -> None:
        self.states[task.name] = state
        self._on_event(task, state)
