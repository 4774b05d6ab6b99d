"""Reads the sections of a benchmark config and refuses wrong ones."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cupre_mm.utils.benchmark_grid.config_sections import (
    Arm,
    Data,
    Size,
    Stage,
)
from cupre_mm.utils.errors import BadConfigError

# Of tools/train.py --amp, whose module imports torch.
DTYPES = ('float16', 'bfloat16')
# Names become folders.
_NAME = re.compile(r'[A-Za-z0-9][\w.+-]*')


def check_keys(
    place: str,
    values: Any,
    known: Sequence[str],
    needed: Sequence[str] = (),
) -> None:
    """Refuse a section with keys that mean nothing, or without those needed.

    Args:
        place (str): What to call it.
        values (Any): The section.
        known (Sequence[str]): Keys that it may have.
        needed (Sequence[str]): Keys that it must have. Defaults to ().

    Raises:
        BadConfigError: If it is no dict, or has others.
    """
    if not isinstance(values, Mapping):
        raise BadConfigError(f'{place}={values!r} must be a dict')
    unknown = sorted(map(str, set(values) - set(known)))
    if unknown:
        raise BadConfigError(
            f'{place} has {", ".join(unknown)}, none of {", ".join(known)}'
        )
    missing = [key for key in needed if values.get(key) is None]
    if missing:
        raise BadConfigError(f'{place} lacks {", ".join(missing)}')


def data_of(values: Any) -> Data:
    """Read ``benchmark.data``.

    Args:
        values (Any): The section.

    Returns:
        Data: The same, checked.

    Raises:
        BadConfigError: If it cannot be used.
    """
    names = tuple(Data.__dataclass_fields__)
    check_keys('data', values, names, names[:3])
    values = dict(values)
    for name in ('split_options', 'pools', 'generate'):
        value = values.get(name) or ()
        if not isinstance(value, (list, tuple)):
            raise BadConfigError(
                f'data.{name}={value!r} must be a list, an item an argument'
            )
        if name != 'pools' and not all(isinstance(x, str) for x in value):
            raise BadConfigError(f'data.{name}={value!r} must hold text')
        values[name] = tuple(value)
    for name in ('test_fraction', 'val_fraction'):
        value = values.get(name, 0.0)
        if type(value) not in (int, float) or not 0 <= value < 1:
            raise BadConfigError(
                f'data.{name}={value!r} must be a share from 0 to below 1'
            )
    for pool in values['pools']:
        check_keys('data.pools', pool, ('file', 'split'), ('file',))
    if '{seed}' not in values['splits']:
        raise BadConfigError(
            f'data.splits={values["splits"]!r} must hold {{seed}}'
        )
    return Data(**values)


def stages_of(sections: Any) -> dict[str, Stage]:
    """Read ``benchmark.pretraining``.

    Args:
        sections (Any): Dict of the stages.

    Returns:
        dict[str, Stage]: Stages by name.

    Raises:
        BadConfigError: If one cannot be used, or starts from a later one.
    """
    stages: dict[str, Stage] = {}
    known = tuple(Stage.__dataclass_fields__)[1:]
    for name, values in _named('pretraining', sections):
        check_keys(f'pretraining.{name}', values, known, ('config',))
        _check_start(f'pretraining.{name}', values, stages)
        _check_options(f'pretraining.{name}', values)
        if values.get('amp'):
            check_amp(f'pretraining.{name}.amp', values['amp'])
        stages[name] = Stage(name, **values)
    return stages


def arms_of(sections: Any, stages: Mapping[str, Stage]) -> dict[str, Arm]:
    """Read ``benchmark.arms``.

    Args:
        sections (Any): Dict of the arms.
        stages (Mapping[str, Stage]): Stages by name.

    Returns:
        dict[str, Arm]: Arms by name.

    Raises:
        BadConfigError: If one cannot be used, or there is none.
    """
    known = tuple(Arm.__dataclass_fields__)[1:]
    arms = {}
    for name, values in _named('arms', sections):
        check_keys(f'arms.{name}', values, known, ('config',))
        _check_start(f'arms.{name}', values, stages)
        _check_options(f'arms.{name}', values)
        values = {**values, 'title': values.get('title') or name}
        differs = values.get('differs') or ()
        values['differs'] = (
            (differs,) if isinstance(differs, str) else tuple(differs)
        )
        arms[name] = Arm(name, **values)
    if not arms:
        raise BadConfigError('arms is empty: name at least one')
    return arms


def sizes_of(content: Mapping[str, Any]) -> tuple[Size, ...]:
    """Read ``fractions`` or ``shots``.

    Args:
        content (Mapping): The dict ``benchmark``.

    Returns:
        tuple[Size]: Sizes, from few labels to many.

    Raises:
        BadConfigError: If it is not exactly one of both, or no numbers.
    """
    given = [name for name in ('fractions', 'shots') if content.get(name)]
    if len(given) != 1:
        raise BadConfigError('give one of fractions=(5, ...) and shots=(10, )')
    numbers = content[given[0]]
    numbers = numbers if isinstance(numbers, (list, tuple)) else (numbers,)
    whole = given[0] == 'shots'
    for number in numbers:
        if (
            isinstance(number, bool)
            or not isinstance(number, int if whole else (int, float))
            or number <= 0
            or (not whole and number > 100)
        ):
            raise BadConfigError(
                f'{given[0]} has {number!r}: give '
                + ('numbers of images' if whole else 'percent up to 100')
            )
    unit = 'shots' if whole else 'pct'
    return tuple(Size(unit, number) for number in sorted(set(numbers)))


def seeds_of(seeds: Any, sizes: Sequence[Size]) -> dict[Size, tuple[int, ...]]:
    """Read ``seeds``: one tuple, or a dict by size.

    Args:
        seeds (Any): The value.
        sizes (Sequence[Size]): Sizes of the grid.

    Returns:
        dict[Size, tuple[int]]: Seeds of each size.

    Raises:
        BadConfigError: If a size has none, or one is no seed.
    """
    found = {}
    for size in sizes:
        some = seeds
        if isinstance(seeds, Mapping):
            by_text = {str(key): value for key, value in seeds.items()}
            some = by_text.get(size.name, by_text.get(f'{size.number:g}'))
        some = (some,) if isinstance(some, int) else some
        if not some or any(type(k) is not int or k < 0 for k in some):
            raise BadConfigError(
                f'seeds={seeds!r} names no seeds from 0 for {size.name}'
            )
        found[size] = tuple(dict.fromkeys(some))
    return found


def _named(place: str, sections: Any) -> list[tuple[str, Any]]:
    if not isinstance(sections, Mapping):
        raise BadConfigError(f'{place}={sections!r} must be a dict')
    # A grid that inherits leaves a section out by setting it to None.
    found = [(k, v) for k, v in sections.items() if v is not None]
    for name, _ in found:
        if not _NAME.fullmatch(str(name)):
            raise BadConfigError(
                f'{place} has {name!r}: a name becomes a folder; use letters, '
                'digits and . _ + -'
            )
    return found


def check_amp(place: str, value: Any) -> None:
    """Refuse what is no mixed precision.

    Args:
        place (str): What to call it.
        value (Any): The value; None for full precision.

    Raises:
        BadConfigError: If it is none of :data:`DTYPES`.
    """
    if value not in (None, *DTYPES):
        raise BadConfigError(
            f'{place}={value!r}: choose None or one of {DTYPES}'
        )


def _check_options(place: str, values: Mapping[str, Any]) -> None:
    if not isinstance(values.get('options', {}), Mapping):
        raise BadConfigError(
            f'{place}.options={values["options"]!r} must be a dict of '
            'dotted keys'
        )


def _check_start(
    place: str, values: Mapping[str, Any], stages: Mapping[str, Stage]
) -> None:
    start = values.get('start')
    if start is not None and start not in stages:
        raise BadConfigError(
            f'{place}.start={start!r} is no stage of pretraining above it; '
            f'there are {", ".join(stages) or "none"}'
        )
    if start is not None and values.get('checkpoint') is not None:
        raise BadConfigError(f'{place} has start and checkpoint: give one')
