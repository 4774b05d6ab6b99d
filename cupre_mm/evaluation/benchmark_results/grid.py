"""The grid of a benchmark, read from its ``benchmark.json``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.json_files import parse_json

FILE_NAME = 'benchmark.json'
_SIZE = re.compile(r'(\d+(?:\.\d+)?)(pct|shots)')


@dataclass(frozen=True)
class Arm:
    """One way to get a model.

    Attributes:
        name (str): Name of its folder.
        title (str): What to call it.
        setting (str, optional): ``'external'`` or ``'in-domain'``, for
            example; None where it belongs to all settings.
        is_peer (bool): Whether it is another program's. Defaults to False.
    """

    name: str
    title: str
    setting: str | None = None
    is_peer: bool = False

    @property
    def label(self) -> str:
        """What to call it in a table."""
        return f'{self.title} (peer)' if self.is_peer else self.title


@dataclass(frozen=True, order=True)
class Size:
    """How many labelled images a model gets.

    Attributes:
        unit (str): ``'pct'`` or ``'shots'``.
        number (float): Percent of the training part, or images.
    """

    unit: str
    number: float

    @property
    def name(self) -> str:
        """Name of its folder, such as ``'5pct'``."""
        return f'{self.number:g}{self.unit}'

    @property
    def title(self) -> str:
        """What to call it in a table."""
        return f'{self.number:g} {"%" if self.unit == "pct" else self.unit}'

    @property
    def label(self) -> str:
        """What to call it where nothing else speaks of labels."""
        of = ' of the labels' if self.unit == 'pct' else ''
        return f'{self.title}{of}'


@dataclass(frozen=True)
class Grid:
    """What is to be compared.

    Attributes:
        title (str): Of the benchmark.
        arms (tuple[Arm]): The arms in their order, peers last.
        sizes (tuple[Size]): From few labels to many.
        seeds (dict[str, tuple[int]]): Seeds by name of the size.
        baselines (tuple[str]): Arms that the others are compared with: the
            grid's ``baseline``, then its ``controls``.
        paper (dict): Published figures, by arm, name of the size and
            ``'bbox'`` or ``'segm'``; as the config has them.
        content (dict): All of ``benchmark.json``.
    """

    title: str
    arms: tuple[Arm, ...]
    sizes: tuple[Size, ...]
    seeds: dict[str, tuple[int, ...]]
    baselines: tuple[str, ...]
    paper: dict[str, dict[str, dict[str, float]]]
    content: dict[str, Any]

    def arm(self, name: str) -> Arm:
        """Find an arm.

        Args:
            name (str): Its name.

        Returns:
            Arm: One of the grid, or one of that name.
        """
        return next((a for a in self.arms if a.name == name), Arm(name, name))


def read_grid(work_dir: Path) -> Grid:
    """Read the grid of a benchmark's work dir.

    Args:
        work_dir (Path): Work dir of ``tools/benchmark.py``.

    Returns:
        Grid: The grid.

    Raises:
        MissingDataError: If there is no ``benchmark.json``.
        BadDataError: If it is none of a benchmark.
    """
    path = work_dir / FILE_NAME
    if not path.is_file():
        raise MissingDataError(
            f'{path} does not exist; start the benchmark with: python '
            f'tools/benchmark.py CONFIG --work-dir {work_dir}'
        )
    content = parse_json(path.read_bytes(), path)
    try:
        return _to_grid(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadDataError(
            f'{path} is no grid of tools/benchmark.py '
            f'({type(error).__name__}: {error}); start the benchmark again '
            'to write it anew'
        ) from error


def parse_size(name: str) -> Size:
    """Read the name of a size.

    Args:
        name (str): Such as ``'5pct'`` or ``'10shots'``.

    Returns:
        Size: The size.

    Raises:
        ValueError: If it is none.
    """
    found = _SIZE.fullmatch(name)
    if found is None:
        raise ValueError(f'{name!r} is no size such as 5pct or 10shots')
    return Size(found[2], float(found[1]))


def with_found(grid: Grid, found: Iterable[tuple[Arm, Size, int]]) -> Grid:
    """Add arms, sizes and seeds that there are cells of.

    Args:
        grid (Grid): The grid.
        found (Iterable[tuple]): Arm, size and seed of each cell.

    Returns:
        Grid: With what it lacked; the arms added, such as peers, come last.
    """
    arms = {arm.name: arm for arm in grid.arms}
    sizes, seeds = {*grid.sizes}, dict(grid.seeds)
    for arm, size, seed in found:
        arms.setdefault(arm.name, arm)
        sizes.add(size)
        known = seeds.get(size.name, ())
        seeds[size.name] = tuple(sorted({*known, seed}))
    return Grid(
        grid.title,
        tuple(arms.values()),
        tuple(sorted(sizes)),
        seeds,
        grid.baselines,
        grid.paper,
        grid.content,
    )


def _to_grid(content: Mapping[str, Any]) -> Grid:
    grid = content.get('benchmark', content)
    unit, numbers = 'pct', grid.get('fractions')
    if numbers is None:
        unit, numbers = 'shots', grid['shots']
    sizes = tuple(sorted(Size(unit, float(number)) for number in numbers))
    arms = [*_arms(grid['arms'], is_peer=False)]
    arms += _arms(grid.get('peers') or {}, is_peer=True)
    if not arms or not sizes:
        raise ValueError('it has no arms or no sizes')
    controls = grid.get('controls') or ()
    baselines = dict.fromkeys([grid.get('baseline'), *controls])
    baselines.pop(None, None)
    return Grid(
        title=str(grid.get('title') or 'Benchmark'),
        arms=tuple(arms),
        sizes=sizes,
        seeds=_seeds(grid.get('seeds', (0,)), sizes),
        baselines=tuple(baselines),
        paper={
            arm: {
                _size_of_key(key, unit).name: dict(figures)
                for key, figures in of_sizes.items()
            }
            for arm, of_sizes in (grid.get('paper') or {}).items()
        },
        content=dict(content),
    )


def _arms(
    arms: Mapping[str, Mapping | None] | Sequence[Mapping], is_peer: bool
) -> Iterable[Arm]:
    named = (
        arms.items()
        if isinstance(arms, Mapping)
        else [(arm['name'], arm) for arm in arms]
    )
    for name, arm in named:
        # A grid that inherits leaves an arm out so.
        if arm is None:
            continue
        yield Arm(name, arm.get('title') or name, arm.get('setting'), is_peer)


def _seeds(
    seeds: Mapping | Sequence[int] | int, sizes: Sequence[Size]
) -> dict[str, tuple[int, ...]]:
    if isinstance(seeds, Mapping):
        of_size = {
            _size_of_key(key, sizes[0].unit).name: value
            for key, value in seeds.items()
        }
    else:
        of_size = {size.name: seeds for size in sizes}
    return {
        name: (value,) if isinstance(value, int) else tuple(value)
        for name, value in of_size.items()
    }


def _size_of_key(key: str | float, unit: str) -> Size:
    """A size from a number, which json makes a text, or from its name."""
    text = str(key)
    if _SIZE.fullmatch(text):
        return parse_size(text)
    return Size(unit, float(text))
