"""Orders whose every beginning looks like the whole.

Strata are merged by systematic sampling: the ``i``-th image of a stratum of
``n`` stands at ``(i + u) / n``. A beginning of the order then has of each
stratum its share, rounded up or down. With ``u`` drawn from [0, 1) for each
stratum every image has the same chance to be in it, and a stratum too small
for the 5 % split is in that of some seeds; with 1/2 the shares are rounded to
the nearest number, which is better for a test part that is drawn once.

For the cells, each stratum is cut into classes of equal size by its images'
numbers of cells, every round takes one image of each class, and of many such
orders the best balanced one is taken. This is rerandomisation (Morgan and
Rubin, "Rerandomization to improve covariate balance in experiments", Annals
of Statistics 40, 2012): unlike a choice image by image it does not avoid
those with very many cells.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .hash_order import hash_fraction, hash_key

DENSITY_CLASSES = 4
TRIED_ORDERS = 256


@dataclass(frozen=True)
class DrawUnit:
    """What is drawn as a whole: an image, or a group of images.

    Args:
        name (str): File name or name of the group; decides its place.
        images (tuple[str]): File names, at least one.
        cells (int): Annotations of these images. Defaults to 0.
        stratum (str): Defaults to ``''``.
    """

    name: str
    images: tuple[str, ...]
    cells: int = 0
    stratum: str = ''

    @property
    def density(self) -> float:
        """Cells an image."""
        return self.cells / len(self.images)


def stratified_order(
    units: Iterable[DrawUnit],
    seed: int | str,
    by_density: bool = False,
    start: float | None = None,
) -> list[DrawUnit]:
    """Order units so that every beginning has its share of each stratum.

    With a single stratum and without ``by_density`` this is the order of
    :func:`.hash_order.image_order`.

    Args:
        units (Iterable[DrawUnit]): With unique names, in any order.
        seed (int | str): Chooses the order.
        by_density (bool): Whether a beginning is to have its share of sparse
            and dense images too. Defaults to False.
        start (float, optional): The ``u`` of all strata, in [0, 1). Defaults
            to None: drawn for each.

    Returns:
        list[DrawUnit]: All of them.
    """
    strata: dict[str, list[DrawUnit]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: hash_key(unit.name, seed)):
        strata[unit.stratum].append(unit)
    placed = []
    for name, members in sorted(strata.items()):
        if by_density:
            members = _spread_density(members)
        first = hash_fraction(name, seed) if start is None else start
        size = sum(len(unit.images) for unit in members)
        before = 0
        for unit in members:
            placed.append(((before + first) / size, unit))
            before += len(unit.images)
    # Stable: at the same place strata stay in the order of their names.
    return [unit for _, unit in sorted(placed, key=lambda pair: pair[0])]


def balanced_order(
    units: Iterable[DrawUnit],
    seed: int,
    imbalance: Callable[[Sequence[DrawUnit]], float],
    start: float | None = None,
) -> list[DrawUnit]:
    """The best balanced of many stratified orders.

    Args:
        units (Iterable[DrawUnit]): With unique names, in any order.
        seed (int): Chooses the orders: that of number ``n`` has the seed
            ``'<seed>.<n>'``.
        imbalance (Callable): Takes an order and says how bad it is.
        start (float, optional): See :func:`stratified_order`. Defaults to
            None.

    Returns:
        list[DrawUnit]: The one with the least imbalance; of equals the first.
    """
    units = list(units)
    orders = (
        stratified_order(units, f'{seed}.{number}', True, start)
        for number in range(TRIED_ORDERS)
    )
    return min(orders, key=imbalance)


def _spread_density(units: list[DrawUnit]) -> list[DrawUnit]:
    """Reorder shuffled units so that sparse and dense ones take turns."""
    count = min(DENSITY_CLASSES, max(1, len(units) // 2))
    # Stable, so that of equal density the order given decides.
    ranked = sorted(range(len(units)), key=lambda i: units[i].density)
    cuts = [len(units) * part // count for part in range(count + 1)]
    turns = [
        (turn, place)
        for first, last in pairwise(cuts)
        for turn, place in enumerate(sorted(ranked[first:last]))
    ]
    return [units[place] for _, place in sorted(turns)]
