"""What a set of splits is made from, and how the splits are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cupre_mm.utils.errors import BadConfigError

BALANCES = ('none', 'instances')
APPEARANCE = 'auto'


@dataclass(frozen=True)
class SplitRecipe:
    """What a set of splits is made from.

    Args:
        fractions (tuple[float]): Sizes of the few-shot splits in percent of
            the training part, each in (0, 100]. May be empty where there are
            shots. Defaults to (5, 10, 20, 50, 100).
        seed (int): Chooses the order of the training images. Defaults to 0.
        test_fraction (float): Share of all images that is held out for the
            test, in [0, 1). 0 makes no test split. Defaults to 0.2.
        val_fraction (float): Share of what the test leaves that is held out
            for tuning, in [0, 1). 0 makes no validation split. Defaults to 0.
        test_seed (int): Chooses the held-out images, test and validation.
            One for all values of ``seed``, so that their figures can be
            compared. Defaults to 0.
        shots (tuple[int]): Sizes of further few-shot splits in images.
            Defaults to ().
        shots_per_stratum (tuple[int]): The same in images of each stratum.
            Defaults to ().
        stratify (str, optional): What the strata are: a key of the image
            entries, such as ``'cell_type'``; a csv file of file names and
            one attribute, told by its ending; or ``'auto'``, the images'
            size and intensity. Defaults to None: no strata.
        balance (str): ``'instances'`` brings the share of the cells in each
            split near to its share of the images, ``'none'`` does not look
            at them. Defaults to 'none'.
        group (str, optional): A key or csv file as for ``stratify``: images
            of one group are never on both sides of the test or of the
            validation part. Defaults to None: every image for itself.

    Raises:
        BadConfigError: If a value is out of range or a size is repeated.
    """

    fractions: tuple[float, ...] = (5, 10, 20, 50, 100)
    seed: int = 0
    test_fraction: float = 0.2
    val_fraction: float = 0
    test_seed: int = 0
    shots: tuple[int, ...] = ()
    shots_per_stratum: tuple[int, ...] = ()
    stratify: str | None = None
    balance: str = 'none'
    group: str | None = None

    def __post_init__(self) -> None:
        if not (self.fractions or self.shots or self.shots_per_stratum):
            raise BadConfigError(
                'fractions is empty; give at least one, as 5, or shots'
            )
        for fraction in self.fractions:
            if not 0 < fraction <= 100:
                raise BadConfigError(
                    f'fraction {fraction!r} is not in (0, 100]; fractions are '
                    'percent of the training part, as in: --fractions 5 10 100'
                )
        for kind in ('shots', 'shots_per_stratum'):
            self._check_shots(kind)
        names = [split_name(fraction) for fraction in self.fractions]
        _check_unique('fractions', self.fractions, names)
        for name in ('test_fraction', 'val_fraction'):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise BadConfigError(
                    f'{name} {value!r} is not in [0, 1); it is a share, not '
                    'percent: write 0.2 for 20 %, and 0 for no such part'
                )
        if self.balance not in BALANCES:
            raise BadConfigError(
                f'balance {self.balance!r} is none of {", ".join(BALANCES)}'
            )
        if self.group == APPEARANCE:
            raise BadConfigError(
                f"group {APPEARANCE!r} is not possible: that is by the images'"
                ' appearance, for strata only; name an image key or a csv file'
            )
        if self.shots_per_stratum and not self.stratify:
            raise BadConfigError(
                f'shots_per_stratum {list(self.shots_per_stratum)} needs '
                'strata: say what they are with stratify'
            )

    def _check_shots(self, kind: str) -> None:
        values = getattr(self, kind)
        for value in values:
            if not isinstance(value, int) or value < 1:
                raise BadConfigError(
                    f'{kind} {value!r} is not a number of images: give whole '
                    'numbers from 1'
                )
        _check_unique(kind, values, values)


def split_name(fraction: float) -> str:
    """Name of a few-shot split by its share.

    Args:
        fraction (float): Percent of the training part.

    Returns:
        str: ``'train_5'`` for 5 and 5.0, ``'train_2.5'`` for 2.5.
    """
    return f'train_{Decimal(str(fraction)).normalize():f}'


def shots_name(shots: int, per_stratum: bool = False) -> str:
    """Name of a few-shot split by its number of images.

    Args:
        shots (int): Images.
        per_stratum (bool): Whether of each stratum. Defaults to False.

    Returns:
        str: ``'train_10shots'`` or ``'train_10shots_per_stratum'``.
    """
    return f'train_{shots}shots' + ('_per_stratum' if per_stratum else '')


def _check_unique(kind: str, values: Sequence, names: Sequence) -> None:
    if len(set(names)) < len(names):
        raise BadConfigError(
            f'{kind} {list(values)} repeat a value; give each once'
        )
