"""Size ranges of instances that AP and AR are given for."""

from collections.abc import Mapping
from typing import NamedTuple

from cupre_mm.utils.errors import BadConfigError

# COCO's own bound, above any image's area.
LARGEST_AREA = 1e5**2


class SizeBin(NamedTuple):
    """A range of areas, in pixels, both ends included.

    Attributes:
        name (str): What tables call it.
        key (str): Its part of a result's key, as in ``mAP_s``.
        low (float): Least area in px.
        high (float): Largest area in px.
    """

    name: str
    key: str
    low: float
    high: float


def _small_medium_large(small: int, medium: int) -> tuple[SizeBin, ...]:
    """Three bins from the side lengths of the squares between them."""
    return (
        SizeBin('small', 's', 0.0, float(small**2)),
        SizeBin('medium', 'm', float(small**2), float(medium**2)),
        SizeBin('large', 'l', float(medium**2), LARGEST_AREA),
    )


SIZE_BINS = {
    'coco': _small_medium_large(32, 96),
    # Of LIVECell's own code/coco_evaluation.py.
    'livecell': _small_medium_large(18, 31),
}


def resolve_size_bins(
    size_bins: str | Mapping[str, tuple[float, float]],
) -> tuple[SizeBin, ...]:
    """Take what a config gives for the size bins.

    Args:
        size_bins (str or Mapping): ``'coco'``, ``'livecell'``, or for each
            bin its name and the least and the largest area in px; None as
            the largest is no limit.

    Returns:
        tuple[SizeBin]: The bins.

    Raises:
        BadConfigError: If they cannot be used.
    """
    if isinstance(size_bins, str):
        if size_bins not in SIZE_BINS:
            raise BadConfigError(
                f'size_bins is one of {sorted(SIZE_BINS)} or a dict such as '
                f"{{'tiny': (0, 50), 'rest': (50, None)}}, not {size_bins!r}"
            )
        return SIZE_BINS[size_bins]
    bins = []
    try:
        for name, (low, high) in size_bins.items():
            high = LARGEST_AREA if high is None else float(high)
            bins.append(SizeBin(str(name), str(name), float(low), high))
    except (AttributeError, TypeError, ValueError) as error:
        raise BadConfigError(
            'size_bins gives the least and the largest area in px of each '
            f'bin, as in {{"tiny": (0, 50)}}; got {size_bins!r}'
        ) from error
    for one in bins:
        if not 0 <= one.low < one.high or one.key in ('50', '75'):
            raise BadConfigError(
                f'size bin {one.name!r} from {one.low:g} to {one.high:g} px '
                'cannot be used: 0 <= least < largest, and a name other than '
                '50 and 75'
            )
    return tuple(bins)
