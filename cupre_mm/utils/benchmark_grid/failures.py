"""The list of what failed."""

from collections.abc import Mapping
from pathlib import Path

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.benchmark_grid.records import FAILED, read_record
from cupre_mm.utils.benchmark_grid.tasks import Task

NAME = 'failures.md'


def write_failures(
    tasks: Mapping[str, Task], states: Mapping[str, str], work_dir: Path
) -> list[str]:
    """Write ``failures.md``; without failures, remove it.

    Args:
        tasks (Mapping[str, Task]): Tasks by name.
        states (Mapping[str, str]): State of each.
        work_dir (Path): Work dir of the benchmark.

    Returns:
        list[str]: A line for each task that failed or is blocked.
    """
    lines, parts = [], []
    for name, task in tasks.items():
        record = read_record(task, work_dir)
        if states[name] == FAILED:
            error = str(record.get('error') or 'no message')
            first, _, rest = error.partition('\n')
            last = rest.strip().rpartition('\n')[2]
            lines.append(f'{name}: {first}' + (f'; {last}' if last else ''))
            parts.append(f'## {name}\n\n```\n{error}\n```\n')
        elif states[name] == 'blocked':
            lines.append(f'{name}: blocked by {task.needs}')
            parts.append(f'## {name}\n\nNot run: {task.needs} failed.\n')
    path = work_dir / NAME
    if not parts:
        path.unlink(missing_ok=True)
        return []
    head = (
        '# What failed\n\nMend the cause, then run the same command with '
        '`--retry-failed`.\n'
    )
    write_atomically(path, '\n'.join([head, *parts]).encode())
    return lines
