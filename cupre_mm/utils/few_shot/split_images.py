"""Which image is in which split.

The held-out parts are drawn by the test seed: the test from the beginning of
an order of all images, the validation part from its end. What they leave is
the training part, the same for all seeds; a seed orders it anew, and each
few-shot split is a beginning of that order, so that a smaller one lies within
a larger one.

Without strata, balance or groups the orders are by ascending SHA-256 of
``'<seed>:<file name>'``, which is the same on every machine and does not
depend on the order in the file.

Groups stay whole in the held-out parts. A few-shot split may hold a part of a
group: few labels are to show many scenes, and nothing is measured on them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate

from cupre_mm.utils.errors import BadConfigError, BadDataError

from .representative_order import DrawUnit, balanced_order, stratified_order
from .split_recipe import SplitRecipe, shots_name, split_name

# Where the cells of a training order are weighed. Not at the sizes asked
# for: a split must not depend on which others are made beside it.
WEIGHED_PERCENT = (5, 10, 20, 50)
# The start of strata that rounds their shares so.
_NEAREST_NUMBER = 0.5


@dataclass(frozen=True)
class ImageTraits:
    """What is known of the images, each by file name; empty where unknown.

    Args:
        cells (Mapping[str, int]): Number of annotations.
        strata (Mapping[str, str]): Name of the stratum.
        groups (Mapping[str, str]): Name of the group.
    """

    cells: Mapping[str, int] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


def share(total: int, part: Fraction) -> int:
    """Number of images in a part: rounded half up, at least one.

    Args:
        total (int): Images to take from.
        part (Fraction): The exact share, in (0, 1].

    Returns:
        int: Between 1 and ``total`` for ``total`` >= 1.
    """
    return max(1, math.floor(total * part + Fraction(1, 2)))


def split_file_names(
    file_names: Sequence[str],
    recipe: SplitRecipe,
    traits: ImageTraits | None = None,
) -> dict[str, list[str]]:
    """Assign images to the splits.

    Args:
        file_names (Sequence[str]): Unique names as in the annotation file.
        recipe (SplitRecipe): Sizes, seeds and method.
        traits (ImageTraits, optional): What the recipe's method needs; the
            rest is not looked at. Defaults to None: nothing is known.

    Returns:
        dict[str, list[str]]: The names of each split in the order they were
        drawn: ``'train_<percent>'``, ``'train_<k>shots'`` and
        ``'train_<k>shots_per_stratum'`` each by rising size, then ``'val'``
        and ``'test'`` where they are asked for.

    Raises:
        BadConfigError: If the recipe needs traits that are not given.
        BadDataError: If the test and validation parts leave no image, or
            more shots are asked for than there are images.
    """
    traits = _needed(recipe, traits or ImageTraits())
    held_out, left = _hold_out(_units(file_names, traits), recipe)
    if not left:
        raise BadDataError(
            f'{len(file_names)} image(s) leave none to train on after a test '
            f'share of {recipe.test_fraction} and a validation share of '
            f'{recipe.val_fraction}; lower them or add images'
            + (' or groups' if recipe.group else '')
        )
    training = _names(
        _training_order(_units(_names(left), traits, grouped=False), recipe)
    )
    splits = {
        split_name(fraction): training[
            : share(len(training), exact(fraction) / 100)
        ]
        for fraction in sorted(recipe.fractions)
    }
    for count in sorted(recipe.shots):
        _check_shots(count, len(training), 'the training part')
        splits[shots_name(count)] = training[:count]
    for count in sorted(recipe.shots_per_stratum):
        name = shots_name(count, per_stratum=True)
        splits[name] = _first_of_each(training, traits.strata, count)
    return {**splits, **held_out}


def exact(value: float) -> Fraction:
    """A share as it is written.

    Args:
        value (float): Such as 0.2.

    Returns:
        Fraction: Such as one fifth, not the nearest binary number, which
        could tip a rounding.
    """
    return Fraction(str(value))


def cell_error(cells: int, images: int, all_cells: int, total: int) -> float:
    """How far a part's cells are from its share of the images.

    Args:
        cells (int): Cells of the part.
        images (int): Images of the part.
        all_cells (int): Cells of the whole.
        total (int): Images of the whole.

    Returns:
        float: 0.1 where there are 10 % too many or too few cells; 0 where
        there are none at all.
    """
    expected = images * all_cells
    return abs(cells * total - expected) / expected if expected else 0.0


def _needed(recipe: SplitRecipe, traits: ImageTraits) -> ImageTraits:
    needed = {}
    for option, wanted, kind in (
        ('stratify', recipe.stratify, 'strata'),
        ('group', recipe.group, 'groups'),
        ('balance', recipe.balance == 'instances', 'cells'),
    ):
        if wanted:
            needed[kind] = getattr(traits, kind)
            if not needed[kind]:
                raise BadConfigError(
                    f'{option}={getattr(recipe, option)!r} needs the {kind} '
                    'of the images: pass them, or split a file with '
                    'write_splits'
                )
    return ImageTraits(**needed)


def _units(
    file_names: Iterable[str], traits: ImageTraits, grouped: bool = True
) -> list[DrawUnit]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(file_names):
        key = traits.groups[name] if grouped and traits.groups else name
        groups[key].append(name)
    return [
        DrawUnit(
            name=group,
            images=tuple(names),
            cells=sum(traits.cells.get(name, 0) for name in names),
            stratum=_stratum_of_most(names, traits.strata),
        )
        for group, names in groups.items()
    ]


def _stratum_of_most(names: list[str], strata: Mapping[str, str]) -> str:
    counts = Counter(strata.get(name, '') for name in names)
    return min(counts, key=lambda stratum: (-counts[stratum], stratum))


def _hold_out(
    units: list[DrawUnit], recipe: SplitRecipe
) -> tuple[dict[str, list[str]], list[DrawUnit]]:
    if not (recipe.test_fraction or recipe.val_fraction):
        return {}, units

    def cut(
        order: Sequence[DrawUnit],
    ) -> tuple[dict[str, list[DrawUnit]], list[DrawUnit]]:
        parts, left = {}, list(order)
        if recipe.test_fraction:
            parts['test'], left = _take(left, recipe.test_fraction)
        if recipe.val_fraction and left:
            # From the far end: without strata and balance the test is then
            # the same with and without a validation part.
            val, left = _take(left[::-1], recipe.val_fraction)
            parts['val'], left = val[::-1], left[::-1]
        return dict(sorted(parts.items(), reverse=True)), left

    total, all_cells = _size(units), _cells(units)

    def imbalance(order: Sequence[DrawUnit]) -> float:
        parts, _ = cut(order)
        return max(
            cell_error(_cells(part), _size(part), all_cells, total)
            for part in parts.values()
        )

    if recipe.balance == 'instances':
        order = balanced_order(
            units, recipe.test_seed, imbalance, _NEAREST_NUMBER
        )
    else:
        order = stratified_order(
            units, recipe.test_seed, start=_NEAREST_NUMBER
        )
    parts, left = cut(order)
    return {name: _names(part) for name, part in parts.items()}, left


def _take(
    order: Sequence[DrawUnit], part: float
) -> tuple[list[DrawUnit], list[DrawUnit]]:
    """Take from the beginning; pass over what leads away from the size."""
    target = share(_size(order), exact(part))
    taken, left, count = [], [], 0
    for unit in order:
        size = len(unit.images)
        if abs(count + size - target) < abs(count - target):
            taken.append(unit)
            count += size
        else:
            left.append(unit)
    if not taken:
        # Every group is more than twice the part: the least too large.
        smallest = min(left, key=lambda unit: len(unit.images))
        left.remove(smallest)
        taken.append(smallest)
    return taken, left


def _training_order(
    units: list[DrawUnit], recipe: SplitRecipe
) -> list[DrawUnit]:
    if recipe.balance == 'none':
        return stratified_order(units, recipe.seed)
    all_cells, total = _cells(units), len(units)
    sizes = {share(total, Fraction(part, 100)) for part in WEIGHED_PERCENT}

    def imbalance(order: Sequence[DrawUnit]) -> float:
        sums = list(accumulate(unit.cells for unit in order))
        return max(
            cell_error(sums[size - 1], size, all_cells, total)
            for size in sizes
        )

    return balanced_order(units, recipe.seed, imbalance)


def _first_of_each(
    training: list[str], strata: Mapping[str, str], count: int
) -> list[str]:
    taken: Counter[str] = Counter()
    chosen = []
    for name in training:
        stratum = strata[name]
        if taken[stratum] < count:
            taken[stratum] += 1
            chosen.append(name)
    for stratum in sorted(set(strata.values())):
        _check_shots(
            count,
            taken[stratum],
            f'the training part of stratum {stratum!r}',
        )
    return chosen


def _check_shots(count: int, images: int, where: str) -> None:
    if images < count:
        raise BadDataError(
            f'{count} shots are asked for, but {where} has {images} '
            'image(s); ask for fewer or hold out a smaller test share'
        )


def _names(units: Iterable[DrawUnit]) -> list[str]:
    return [name for unit in units for name in unit.images]


def _size(units: Iterable[DrawUnit]) -> int:
    return sum(len(unit.images) for unit in units)


def _cells(units: Iterable[DrawUnit]) -> int:
    return sum(unit.cells for unit in units)
