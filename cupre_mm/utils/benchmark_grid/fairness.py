"""Whether the arms of a grid differ in their pre-training alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.benchmark_grid.grid_config import Grid
from cupre_mm.utils.benchmark_grid.tasks import Task
from cupre_mm.utils.benchmark_grid.training_config import (
    annotation_file,
    datasets_of,
    differing_keys,
    iterations_of,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.task_schedule import TaskSchedule

_SHOWN = 5


@dataclass(frozen=True)
class Budget:
    """What pre-training takes.

    Attributes:
        det_images (int): Labelled images seen, with repetitions.
        moco_images (int): Unlabelled images seen, with repetitions.
        steps (int): Optimizer steps.
        before (str, optional): Checkpoint that it began with, of which
            nothing is known.
    """

    det_images: int = 0
    moco_images: int = 0
    steps: int = 0
    before: str | None = None

    def then(self, other: 'Budget') -> 'Budget':
        """Both, one after the other.

        Args:
            other (Budget): The later one.

        Returns:
            Budget: The sum.
        """
        return Budget(
            self.det_images + other.det_images,
            self.moco_images + other.moco_images,
            self.steps + other.steps,
            self.before,
        )


def budget_of(config: Config, name: str) -> Budget:
    """Count what a training config sees on one process.

    Args:
        config (Config): The config.
        name (str): What to call it.

    Returns:
        Budget: The counts.

    Raises:
        BadConfigError: If it has no number of iterations or no batch size.
    """
    number = iterations_of(config, name)
    loop, loader = config.train_cfg, config.train_dataloader
    if not str(loop.get('type', '')).endswith('AMT2TrainLoop'):
        return Budget(number * _batch_size(loader, name), 0, number)
    schedule = TaskSchedule(
        loop.get('schedule', ('moco', 'det')),
        loop.get('warmup_iters', 0),
        loop.get('warmup_schedule', ('det',)),
    )
    batches = schedule.batches_before(number)
    images = {
        task: batches[task] * _batch_size(loader.get(task), f'{name}: {task}')
        for task in schedule.tasks
        if batches[task]
    }
    first = min(number, schedule.warmup_iters)
    steps = first * len(schedule.warmup_steps)
    steps += (number - first) * len(schedule.steps)
    return Budget(images.get('det', 0), images.get('moco', 0), steps)


def _batch_size(loader: Any, name: str) -> int:
    size = loader.get('batch_size') if isinstance(loader, Mapping) else None
    if type(size) is not int:
        raise BadConfigError(f'{name}: the data loader has no batch_size')
    return size


def budgets_of(grid: Grid, tasks: Mapping[str, Task]) -> dict[str, Budget]:
    """Count what the pre-training of each arm sees, with what it starts from.

    Args:
        grid (Grid): The grid.
        tasks (Mapping[str, Task]): Its tasks.

    Returns:
        dict[str, Budget]: Budgets by arm.
    """
    done: dict[str, Budget] = {}
    for task in tasks.values():
        if not task.is_cell:
            outside = Budget(before=task.start)
            before = done[task.needs] if task.needs else outside
            done[task.name] = before.then(budget_of(task.config, task.name))
    found: dict[str, Budget] = {}
    for task in tasks.values():
        if task.is_cell and task.arm not in found:
            outside = Budget(before=task.start)
            found[task.arm] = done[task.needs] if task.needs else outside
    return {name: found[name] for name in grid.arms}


def check_budgets(grid: Grid, budgets: Mapping[str, Budget]) -> None:
    """Refuse arms whose pre-training sees different numbers of images.

    Arms without any detection in their pre-training see none, and are not
    compared; nor are those that differ in the checkpoint that they began
    with, of which nothing is known.

    Args:
        grid (Grid): The grid.
        budgets (Mapping[str, Budget]): Of :func:`budgets_of`.

    Raises:
        BadConfigError: If they differ and the grid does not say that they
            may.
    """
    for name, arm in grid.arms.items():
        if not isinstance(arm.control, str):
            continue
        own, other = budgets[name].steps, budgets[arm.control].steps
        if own != other:
            raise BadConfigError(
                f'arms.{name} is to take as many optimizer steps as '
                f'{arm.control}, but takes {own:,}, not {other:,}: change the '
                'iterations of its stages, or set control=True'
            )
    groups: dict[str | None, dict[int, list[str]]] = {}
    for name, budget in budgets.items():
        if budget.det_images and not grid.arms[name].control:
            group = groups.setdefault(budget.before, {})
            group.setdefault(budget.det_images, []).append(name)
    for group in groups.values():
        if len(group) > 1 and not grid.unequal_pretraining:
            told = '; '.join(
                f'{number:,}: {", ".join(names)}'
                for number, names in sorted(group.items())
            )
            raise BadConfigError(
                'the arms see different numbers of detection images in '
                f'pre-training ({told}): change the iterations of their '
                'stages, mark an arm by control=True, or set '
                'unequal_pretraining=True'
            )


def check_fine_tuning(grid: Grid, tasks: Mapping[str, Task]) -> None:
    """Refuse arms whose fine-tuning differs in more than they declare.

    Each pair of arms is compared. Images, seed, number of iterations and
    batch size are equal whatever an arm declares.

    Args:
        grid (Grid): The grid.
        tasks (Mapping[str, Task]): Its tasks.

    Raises:
        BadConfigError: If a key of the resolved configs differs, that is
            not in ``differs`` of one of both arms.
    """
    groups: dict[tuple, list[Task]] = {}
    for task in tasks.values():
        if task.is_cell:
            groups.setdefault((task.size, task.seed), []).append(task)
    for group in groups.values():
        for other, task in combinations(group, 2):
            _compare_fixed(task, other)
            _compare_recipes(grid, task, other)


def _compare_fixed(task: Task, other: Task) -> None:
    one, two = _fixed(task), _fixed(other)
    for name, value in one.items():
        if value != two[name]:
            raise BadConfigError(
                f'the fine-tunings of {task.arm} and {other.arm} differ in '
                f'their {name}: {value!r} and {two[name]!r}. No arm may '
                'declare that by `differs`'
            )


def _fixed(task: Task) -> dict[str, Any]:
    """What no arm may have of its own."""
    config = task.config
    found = {
        'seed': config.get('randomness', {}).get('seed'),
        'number of iterations': task.iterations,
        'batch size': config.train_dataloader.get('batch_size'),
    }
    for loader in ('train_dataloader', 'test_dataloader'):
        found[f'annotation files of {loader}'] = [
            (
                str(annotation_file(dataset)),
                dataset.get('filter_cfg'),
                dataset.get('indices'),
            )
            for _, dataset in datasets_of(config, loader)
        ]
    return found


def _compare_recipes(grid: Grid, task: Task, other: Task) -> None:
    declared = (
        'load_from',
        *grid.arms[task.arm].differs,
        *grid.arms[other.arm].differs,
    )
    keys = [
        key
        for key in differing_keys(task.recipe, other.recipe)
        if not any(_is_under(key, one) for one in declared)
    ]
    if not keys:
        return
    shown = '; '.join(
        f'{key}: {task.recipe.get(key)!r} and {other.recipe.get(key)!r}'
        for key in keys[:_SHOWN]
    )
    more = f' and {len(keys) - _SHOWN} more' * (len(keys) > _SHOWN)
    raise BadConfigError(
        f'the fine-tunings of {task.arm} and {other.arm} differ in '
        f'{shown}{more}. If that is what is compared, declare it: '
        f'arms.{task.arm}.differs=({keys[0]!r}, )'
    )


def _is_under(key: str, declared: str) -> bool:
    return key == declared or key.startswith(f'{declared}.')


def budget_rows(budgets: Mapping[str, Budget]) -> list[dict[str, Any]]:
    """The budgets as rows of a table.

    Args:
        budgets (Mapping[str, Budget]): Budgets by arm.

    Returns:
        list[dict]: A row an arm.
    """
    return [{'arm': name, **asdict(one)} for name, one in budgets.items()]


def budget_table(budgets: Mapping[str, Budget]) -> str:
    """Write the budgets as text.

    Args:
        budgets (Mapping[str, Budget]): Budgets by arm.

    Returns:
        str: A line an arm.
    """
    width = max(map(len, budgets)) + 2
    lines = [
        f'{"pre-training of":<{max(width, 17)}}{"det. images":>12}'
        f'{"moco images":>13}{"steps":>9}'
    ]
    for name, one in budgets.items():
        lines.append(
            f'{name:<{max(width, 17)}}{one.det_images:>12,}'
            f'{one.moco_images:>13,}{one.steps:>9,}'
            + (f'  after {one.before}' if one.before else '')
        )
    return '\n'.join(lines)
