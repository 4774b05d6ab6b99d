"""Which tasks of a grid were asked for."""

from collections.abc import Mapping, Sequence

from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.errors import BadConfigError

KEYS = ('arm', 'size', 'seed', 'stage')


def select(tasks: Mapping[str, Task], only: Sequence[str]) -> dict[str, Task]:
    """Select tasks, and the pre-training that they start from.

    Args:
        tasks (Mapping[str, Task]): All tasks.
        only (Sequence[str]): Conditions such as 'arm=coco,amt2', 'size=5pct'
            (or 'size=5'), 'seed=0' and 'stage=warmup'. All must hold, so
            that with 'stage' there are no cells. None selects all.

    Returns:
        dict[str, Task]: The tasks, in the same order.

    Raises:
        BadConfigError: If a condition cannot be read, names what the grid
            has not, or nothing is left.
    """
    if not only:
        return dict(tasks)
    wanted: dict[str, set[str]] = {}
    for condition in only:
        key, _, values = condition.partition('=')
        if key not in KEYS or not values:
            raise BadConfigError(
                f'--only {condition}: write KEY=VALUE with one of '
                f'{", ".join(KEYS)}, and several values with commas'
            )
        wanted.setdefault(key, set()).update(values.split(','))
    for key, values in wanted.items():
        known = set().union(*(_names(task, key) for task in tasks.values()))
        if unknown := sorted(values - known):
            raise BadConfigError(
                f'--only {key}={",".join(unknown)}: the grid has '
                f'{", ".join(sorted(known)) or "none"}'
            )
    chosen: set[str] = set()
    for name, task in tasks.items():
        if all(_names(task, key) & wanted[key] for key in wanted):
            chosen.add(name)
            while task.needs is not None:
                chosen.add(task.needs)
                task = tasks[task.needs]
    if not chosen:
        raise BadConfigError(
            f'--only {" ".join(only)} selects nothing; there are, for '
            f'example, {", ".join([*tasks][:3] + [*tasks][-3:])}'
        )
    return {name: task for name, task in tasks.items() if name in chosen}


def _names(task: Task, key: str) -> set[str]:
    """What a value of ``--only`` may be for a task."""
    if key == 'stage':
        return (
            {task.stage, task.name.partition('/')[2]} - {''}
            if (not task.is_cell)
            else set()
        )
    if key == 'seed':
        return {str(task.seed)} if task.is_cell else set()
    if not task.is_cell:
        return set()
    if key == 'arm':
        return {task.arm}
    return {task.size.name, f'{task.size.number:g}'}
