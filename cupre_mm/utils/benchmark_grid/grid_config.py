"""The grid of a benchmark: what its config says, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cupre_mm.utils.benchmark_grid.config_sections import (
    Arm,
    Data,
    Size,
    Stage,
)
from cupre_mm.utils.benchmark_grid.section_readers import (
    arms_of,
    check_amp,
    check_keys,
    data_of,
    seeds_of,
    sizes_of,
    stages_of,
)
from cupre_mm.utils.config_files import config_errors, merge_options
from cupre_mm.utils.errors import BadConfigError, MissingDataError

KEEP = ('pretraining', 'final', 'all')
_KEYS = (
    *('title', 'data', 'pretraining', 'arms', 'fractions', 'shots', 'seeds'),
    *('iterations', 'options', 'amp', 'baseline', 'peers', 'paper'),
    *('checkpoint_interval', 'keep_checkpoints', 'pretraining_seeds'),
    *('unequal_pretraining', 'controls'),
)


@dataclass(frozen=True)
class Grid:
    """Arms by sizes by seeds, and the pre-training that they start from.

    Attributes:
        file (Path): The config file.
        content (dict): The dict ``benchmark`` as the file has it.
        title (str): Of the tables.
        data (Data): The labelled cells.
        stages (dict[str, Stage]): Pre-training by name, each after those
            that it starts from.
        arms (dict[str, Arm]): Arms by name.
        sizes (tuple[Size]): Numbers of labels.
        seeds (dict[Size, tuple[int]]): Seeds of each size.
        iterations (int, optional): Budget of each fine-tuning; None leaves
            that of its config.
        options (dict): Values to change in each fine-tuning config.
        amp (str, optional): Mixed precision of all trainings.
        checkpoint_interval (int): Iterations between checkpoints.
        keep_checkpoints (str): One of :data:`KEEP`.
        pretraining_seeds (tuple[int]): Seeds of the pre-training. A cell of
            seed k starts from the one at k modulo their number.
        unequal_pretraining (bool): Whether arms may see different numbers
            of detection images.
    """

    file: Path
    content: dict[str, Any]
    title: str
    data: Data
    stages: dict[str, Stage]
    arms: dict[str, Arm]
    sizes: tuple[Size, ...]
    seeds: dict[Size, tuple[int, ...]]
    iterations: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    amp: str | None = None
    checkpoint_interval: int = 50
    keep_checkpoints: str = 'pretraining'
    pretraining_seeds: tuple[int, ...] = (0,)
    unequal_pretraining: bool = False

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """Seeds of any size, which the splits are made for."""
        return tuple(sorted({k for some in self.seeds.values() for k in some}))


def read_grid_config(
    path: Path, options: Mapping[str, Any] | None = None
) -> Grid:
    """Read and check a benchmark config.

    Args:
        path (Path): A file such as ``configs/benchmark/*.py``.
        options (Mapping, optional): Values to change, by dotted keys.
            Defaults to None.

    Returns:
        Grid: The grid.

    Raises:
        MissingDataError: If there is no such file.
        BadConfigError: If no grid can be made of it.
    """
    if not path.is_file():
        raise MissingDataError(
            f'{path} does not exist; configs/benchmark has examples'
        )
    with config_errors(path):
        config = Config.fromfile(path)
    merge_options(config, options or {})
    content = config.to_dict().get('benchmark')
    if not isinstance(content, dict):
        raise BadConfigError(
            f'{path} has no dict `benchmark`; configs/benchmark has examples'
        )
    try:
        return to_grid(path, content)
    except BadConfigError as error:
        raise BadConfigError(f'{path}: {error}') from error


def to_grid(path: Path, content: Mapping[str, Any]) -> Grid:
    """Check the values of a benchmark.

    Args:
        path (Path): File that they are of.
        content (Mapping[str, Any]): The dict ``benchmark``.

    Returns:
        Grid: The grid.

    Raises:
        BadConfigError: If a value cannot be used.
    """
    check_keys('benchmark', content, _KEYS, ('data', 'arms'))
    options = content.get('options') or {}
    if not isinstance(options, Mapping):
        raise BadConfigError(
            f'options={options!r} must be a dict of dotted keys'
        )
    stages = stages_of(content.get('pretraining') or {})
    sizes = sizes_of(content)
    grid = Grid(
        file=path.resolve(),
        content=dict(content),
        title=str(content.get('title') or path.stem),
        data=data_of(content['data']),
        stages=stages,
        arms=arms_of(content['arms'], stages),
        sizes=sizes,
        seeds=seeds_of(content.get('seeds', (0,)), sizes),
        iterations=_count(content, 'iterations', None),
        options=dict(options),
        amp=content.get('amp'),
        checkpoint_interval=_count(content, 'checkpoint_interval', 50),
        keep_checkpoints=content.get('keep_checkpoints', KEEP[0]),
        pretraining_seeds=_seeds(content.get('pretraining_seeds', (0,))),
        unequal_pretraining=bool(content.get('unequal_pretraining')),
    )
    _check(grid)
    return grid


def _check(grid: Grid) -> None:
    check_amp('amp', grid.amp)
    if grid.keep_checkpoints not in KEEP:
        raise BadConfigError(
            f'keep_checkpoints={grid.keep_checkpoints!r}: choose one of {KEEP}'
        )
    baseline = grid.content.get('baseline')
    named: Sequence[Any] = [
        *([] if baseline is None else [baseline]),
        *(grid.content.get('controls') or ()),
    ]
    known = [*grid.arms, *(grid.content.get('peers') or {})]
    for name in named:
        if name not in known:
            raise BadConfigError(
                f'{name!r} (of baseline or controls) is no arm and no peer; '
                f'there are {", ".join(known)}'
            )
    for arm in grid.arms.values():
        if isinstance(arm.control, str) and arm.control not in grid.arms:
            raise BadConfigError(
                f'arms.{arm.name}.control={arm.control!r} is no arm whose '
                f'steps could be counted; there are {", ".join(grid.arms)}'
            )


def _seeds(value: Any) -> tuple[int, ...]:
    seeds = value if isinstance(value, (list, tuple)) else (value,)
    if not seeds or any(type(k) is not int or k < 0 for k in seeds):
        raise BadConfigError(
            f'pretraining_seeds={value!r}: give whole numbers from 0'
        )
    if len(set(seeds)) < len(seeds):
        raise BadConfigError(f'pretraining_seeds={value!r} names one twice')
    return tuple(seeds)


def _count(
    content: Mapping[str, Any], name: str, default: int | None
) -> int | None:
    value = content.get(name, default)
    if value is not None and (type(value) is not int or value < 1):
        raise BadConfigError(f'{name}={value!r} is no whole number from 1')
    return value
