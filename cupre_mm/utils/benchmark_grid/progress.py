"""How far a grid is: a line an event, the time left, a table of states."""

import re
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from cupre_mm.utils.benchmark_grid.execution import TEST_LOG, TRAIN_LOG
from cupre_mm.utils.benchmark_grid.fairness import budget_of
from cupre_mm.utils.benchmark_grid.processes import tail_of
from cupre_mm.utils.benchmark_grid.records import DONE, RUNNING, read_record
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.tool_runner import progress_of

_OPEN = (RUNNING, 'waiting', 'elsewhere', 'stopped')
_ITERATION = re.compile(r'Iter\(train\) *\[ *(\d+)/')
_SECONDS = re.compile(r'Iter\(train\).* time: ([\d.]+)')
_LINES = 40


class Estimate:
    """Predicts the time that the rest of a grid takes.

    A fine-tuning takes as long for each iteration as the finished ones did,
    a pre-training for each optimizer step; where none is finished, as the
    running ones log.

    Args:
        tasks (Mapping[str, Task]): Tasks by name.
        work_dir (Path): Work dir of the benchmark.
        slots (int): Number of tasks at a time.
    """

    def __init__(
        self, tasks: Mapping[str, Task], work_dir: Path, slots: int
    ) -> None:
        self.tasks, self.work_dir, self.slots = tasks, work_dir, slots
        self._steps = {
            name: budget_of(task.config, name).steps
            for name, task in tasks.items()
        }

    def seconds(self, states: Mapping[str, str]) -> float | None:
        """Predict.

        Args:
            states (Mapping[str, str]): State of each task.

        Returns:
            float, optional: Seconds until all are done; None where nothing
            was measured yet.
        """
        rates, tests = self._measured(states)
        if not rates:
            return None
        left: dict[str, float] = {}
        ends: dict[str, float] = {}
        for name, task in self.tasks.items():
            if states[name] in _OPEN:
                rate = rates.get(task.is_cell) or max(rates.values())
                share = 1.0
                if states[name] != 'waiting':
                    share -= self._reached(task) / task.iterations
                left[name] = share * self._steps[name] * rate
                left[name] += tests * task.is_cell
                ends[name] = left[name] + ends.get(task.needs or '', 0.0)
        if not left:
            return 0.0
        # One chain cannot be shared among slots.
        return max(sum(left.values()) / self.slots, max(ends.values()))

    def _measured(
        self, states: Mapping[str, str]
    ) -> tuple[dict[bool, float], float]:
        """Seconds a step, of stages and of cells, and seconds of a test."""
        found: dict[tuple[bool, bool], list[float]] = {}
        tests = []
        for name, task in self.tasks.items():
            steps = self._steps[name] / task.iterations
            record = read_record(task, self.work_dir)
            if 'seconds_per_iteration' in record:
                rate = record['seconds_per_iteration'] / steps
                found.setdefault((task.is_cell, True), []).append(rate)
            elif states[name] == RUNNING:
                log = tail_of(self.work_dir / name / TRAIN_LOG, _LINES)
                if times := _SECONDS.findall(log):
                    rate = float(times[-1]) / steps
                    found.setdefault((task.is_cell, False), []).append(rate)
            if states[name] == DONE and record.get('test_seconds'):
                tests.append(record['test_seconds'])
        rates = {}
        for is_cell in (False, True):
            known = found.get((is_cell, True)) or found.get((is_cell, False))
            if known:
                rates[is_cell] = median(known)
        return rates, median(tests) if tests else 0.0

    def _reached(self, task: Task) -> int:
        folder = self.work_dir / task.name
        if (folder / task.checkpoint).is_file():
            return task.iterations
        found = _ITERATION.findall(tail_of(folder / TRAIN_LOG, _LINES))
        return min(int(found[-1]), task.iterations) if found else 0


def progress_of_task(task: Task, work_dir: Path) -> str:
    """Tell how far a running task is.

    Args:
        task (Task): The task.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        str: Its name and the last progress that it logged.
    """
    folder = work_dir / task.name
    logs = [p for n in (TRAIN_LOG, TEST_LOG) if (p := folder / n).is_file()]
    if not logs:
        return task.name
    latest = max(logs, key=lambda path: path.stat().st_mtime)
    for line in reversed(tail_of(latest, _LINES).splitlines()):
        if progress := progress_of(line):
            return f'{task.name}: {progress}'
    return f'{task.name}: {latest.stem}'


def duration(seconds: float | None) -> str:
    """Write a duration for reading.

    Args:
        seconds (float, optional): The duration.

    Returns:
        str: Such as '2 h 05 min'; 'unknown' for None.
    """
    if seconds is None:
        return 'unknown'
    if seconds < 60:
        return f'{seconds:.0f} s'
    minutes = round(seconds / 60)
    if minutes < 60:
        return f'{minutes} min'
    return f'{minutes // 60} h {minutes % 60:02d} min'


def counts_of(states: Mapping[str, str]) -> str:
    """Count the tasks of each state.

    Args:
        states (Mapping[str, str]): State of each task.

    Returns:
        str: Such as '3 of 9 done, 1 running'.
    """
    number = {s: list(states.values()).count(s) for s in states.values()}
    done = number.pop(DONE, 0)
    parts = [f'{done} of {len(states)} done']
    return ', '.join(
        parts + [f'{many} {state}' for state, many in number.items()]
    )


def status_table(tasks: Mapping[str, Task], states: Mapping[str, str]) -> str:
    """Show the states of a grid.

    Args:
        tasks (Mapping[str, Task]): Tasks by name.
        states (Mapping[str, str]): State of each.

    Returns:
        str: A line a stage, then a row an arm with a column a size.
    """
    stages = [task for task in tasks.values() if not task.is_cell]
    cells: dict[str, dict[str, list[str]]] = {}
    sizes: dict[str, int] = {}
    for name, task in tasks.items():
        if task.is_cell:
            row = cells.setdefault(task.arm, {})
            row.setdefault(task.size.name, []).append(states[name])
            sizes[task.size.name] = len(task.size.name)
    table = [['pre-training', '']]
    table += [
        [task.name.partition('/')[2], states[task.name]] for task in stages
    ]
    grid = [['arm', *sizes]]
    grid += [
        [arm, *(_states(row.get(size, [])) for size in sizes)]
        for arm, row in cells.items()
    ]
    parts = [_aligned(table)] if stages else []
    return '\n\n'.join([*parts, *([_aligned(grid)] if cells else [])])


def _states(states: list[str]) -> str:
    done = states.count(DONE)
    others = [state for state in dict.fromkeys(states) if state != DONE]
    told = [f'{states.count(one)} {one}' for one in others if one != 'waiting']
    return ' '.join([f'{done}/{len(states)}', *told]) if states else '-'


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return '\n'.join(
        '  '.join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )
