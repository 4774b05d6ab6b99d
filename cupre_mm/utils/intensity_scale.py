"""From values of any number type to 8 or 16 bits.

The rule is that of :func:`cupre_mm.utils.intensity.stretch_to_uint8`, here
in two steps, so that the percentiles can be those of an image or a stack
that is never in memory as a whole.
"""

from typing import NamedTuple

import numpy as np

from cupre_mm.utils.errors import BadDataError

# 16 million values a channel: percentiles of more are taken of a sample.
MOST_SAMPLED = 2**24


class IntensityLimits(NamedTuple):
    """The values that become black and white.

    Attributes:
        bottom (float): Becomes 0.
        top (float): Becomes the largest value; ``bottom`` itself where all
            pixels are equal.
    """

    bottom: float
    top: float


class IntensityCounter:
    """Percentiles of values that come piece by piece.

    Integers of up to 16 bits are counted, and their percentiles are exact.
    Of others every k-th value is kept, at most 16 million of them. NaN and
    infinities do not count.

    Args:
        expected (int): Number of all values, NaN included.

    Attributes:
        not_finite (int): NaN and infinities seen.
        every (int): Which values are kept: 1 for all.
    """

    def __init__(self, expected: int) -> None:
        self.not_finite = 0
        self.every = max(1, -(-expected // MOST_SAMPLED))
        self._seen = 0
        self._counts: np.ndarray | None = None
        self._lowest = 0
        self._kept: list[np.ndarray] = []
        self._ends: list[tuple[float, float]] = []

    def add(self, values: np.ndarray) -> None:
        """Take values in; all calls with the same number type.

        Args:
            values (np.ndarray): Any shape.
        """
        values = values.reshape(-1)
        if values.dtype.kind in 'iu' and values.dtype.itemsize <= 2:
            self.every = 1
            info = np.iinfo(values.dtype)
            if self._counts is None:
                self._lowest = info.min
                self._counts = np.zeros(info.max - info.min + 1, np.int64)
            shifted = values.astype(np.int32) - self._lowest
            self._counts += np.bincount(shifted, minlength=len(self._counts))
            return
        if values.dtype.kind == 'f':
            finite = np.isfinite(values)
            self.not_finite += int(values.size - np.count_nonzero(finite))
            phase = -self._seen % self.every
            self._seen += values.size
            kept = values[phase :: self.every]
            kept = kept[finite[phase :: self.every]]
            values = values[finite]
        else:
            kept = values[-self._seen % self.every :: self.every]
            self._seen += values.size
        if values.size:
            self._ends.append((float(values.min()), float(values.max())))
            self._kept.append(kept.copy())

    def limits(self, low: float, high: float) -> IntensityLimits:
        """The percentiles, or the extremes where the two coincide.

        Args:
            low (float): Percentile that becomes black.
            high (float): Percentile that becomes white.

        Returns:
            IntensityLimits: (0, 0) where no value is finite.
        """
        if self._counts is not None:
            present = np.flatnonzero(self._counts)
            bottom, top = (self._counted(q) for q in (low, high))
            ends = present[[0, -1]] + self._lowest
        elif self._ends:
            kept = np.concatenate(self._kept)
            ends = (
                min(e[0] for e in self._ends),
                max(e[1] for e in self._ends),
            )
            bottom, top = np.percentile(
                kept if kept.size else np.array(ends), (low, high)
            )
        else:
            return IntensityLimits(0.0, 0.0)
        if bottom == top:
            bottom, top = ends
        return IntensityLimits(float(bottom), float(top))

    def _counted(self, percentile: float) -> float:
        """As ``np.percentile`` interpolates, from the counts."""
        reached = np.cumsum(self._counts)
        place = percentile / 100 * (reached[-1] - 1)
        below, above = (
            int(np.searchsorted(reached, index, side='right')) + self._lowest
            for index in (int(np.floor(place)), int(np.ceil(place)))
        )
        return below + (above - below) * (place - np.floor(place))


def scale_between(
    image: np.ndarray, limits: IntensityLimits, bits: int
) -> np.ndarray:
    """Stretch an image between two values.

    Args:
        image (np.ndarray): Any shape, any real number type.
        limits (IntensityLimits): What becomes black and white.
        bits (int): 8 or 16.

    Returns:
        np.ndarray: The same shape, uint8 or uint16. What lies outside
        saturates; NaN becomes 0, and so does all of an image without
        contrast.
    """
    largest = 2**bits - 1
    kind = np.uint8 if bits == 8 else np.uint16
    if limits.bottom == limits.top:
        return np.zeros(image.shape, kind)
    # float32 holds 16 bits exactly, and not 32.
    exact = np.float32 if image.dtype.itemsize <= 2 else np.float64
    scaled = image.astype(exact)
    scaled -= exact(limits.bottom)
    scaled *= exact(largest / (limits.top - limits.bottom))
    np.nan_to_num(scaled, copy=False, nan=0.0)
    np.clip(scaled, 0, largest, out=scaled)
    return np.rint(scaled, out=scaled).astype(kind)


def keep_values(image: np.ndarray, bits: int) -> np.ndarray:
    """Put values as they are into a number type that a PNG can hold.

    Args:
        image (np.ndarray): Any shape, any real number type.
        bits (int): 8 or 16; an 8-bit image stays one.

    Returns:
        np.ndarray: The same shape and values, uint8 or uint16.

    Raises:
        BadDataError: If the values do not fit.
    """
    if image.dtype == np.uint8:
        return image
    largest = 2**bits - 1
    if image.dtype.kind == 'f' or image.min() < 0 or image.max() > largest:
        raise BadDataError(
            f'values of type {image.dtype} from {image.min()} to '
            f'{image.max()} do not fit into {bits} bits as they are: '
            'normalise by percentiles, by --range LOW HIGH or, for 16-bit '
            'images, keep them with --bits 16'
        )
    return image.astype(np.uint8 if bits == 8 else np.uint16)
