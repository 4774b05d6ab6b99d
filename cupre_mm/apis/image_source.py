"""Where the pixels of an image come from: memory or a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_stacks import ImageStack
from cupre_mm.utils.intensity_scale import IntensityCounter, IntensityLimits
from cupre_mm.utils.plane_selection import (
    PlannedImage,
    merge_channels,
    read_planned,
)

# Rows that are read at once where all are looked at, in bytes: enough that
# rows of a file's own tiles are seldom decoded twice.
_STRIP_BYTES = 64 * 2**20
# Values that are counted at once; counting takes 16 bytes for each.
_COUNTED = 2**20


class ImageSource(ABC):
    """One image, given row by row.

    Args:
        name (str): What messages call it.
        shape (tuple[int, int]): Height and width.
    """

    def __init__(self, name: str, shape: tuple[int, int]) -> None:
        self.name = name
        self.shape = shape
        if 0 in shape:
            raise BadDataError(f'{name} is {shape} (height, width): no pixel')

    @abstractmethod
    def rows(self, start: int, stop: int) -> np.ndarray:
        """Read some rows.

        Args:
            start (int): The first.
            stop (int): The one after the last.

        Returns:
            np.ndarray: (rows, W) or (rows, W, 3) in the order R, G, B, of
            the number type that the image has.
        """

    def limits(self, low: float, high: float) -> IntensityLimits:
        """Find two percentiles of the whole image, strip by strip.

        Args:
            low (float): The lower percentile.
            high (float): The higher one.

        Returns:
            IntensityLimits: The values.
        """
        height = self.shape[0]
        counter = None
        start = 0
        # The first row tells how many bytes there are in one.
        step = 1
        while start < height:
            rows = self.rows(start, min(start + step, height))
            if counter is None:
                counter = IntensityCounter(height * rows[0].size)
            for values in _pieces(rows):
                counter.add(values)
            start += len(rows)
            step = max(1, _STRIP_BYTES // max(1, rows[0].nbytes))
        return counter.limits(low, high)

    def is_gray(self) -> bool:
        """Whether all pixels have equal channels, or there is but one."""
        height = self.shape[0]
        start, step = 0, 1
        while start < height:
            rows = self.rows(start, min(start + step, height))
            if rows.ndim == 3 and (rows != rows[..., :1]).any():
                return False
            start += len(rows)
            step = max(1, _STRIP_BYTES // max(1, rows[0].nbytes))
        return True


def _pieces(rows: np.ndarray) -> Iterator[np.ndarray]:
    count = max(1, _COUNTED // max(1, rows[0].size))
    for start in range(0, len(rows), count):
        yield rows[start : start + count]


class ArrayImage(ImageSource):
    """An image in memory.

    Args:
        image (np.ndarray): (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) in the
            order R, G, B, A; any real number type, or bool, whose True
            becomes 255. Alpha is left out.
        name (str): What messages call it. Defaults to ``'the image'``.

    Raises:
        BadDataError: If the array has another shape or number type.
    """

    def __init__(self, image: np.ndarray, name: str = 'the image') -> None:
        image = np.asarray(image)
        if image.dtype == bool:
            image = image.astype(np.uint8) * 255
        channels = image.shape[2:] if image.ndim == 3 else ()
        if image.ndim not in (2, 3) or channels not in ((), (1,), (3,), (4,)):
            raise BadDataError(
                f'{name} has the shape {image.shape}, which is neither gray '
                '(H, W) nor RGB (H, W, 3): pass one plane, for example '
                'image[0] or image.max(axis=0) of a stack, the channel that '
                'shows the cells, or np.moveaxis(image, 0, -1) of an image '
                'whose colours come first'
            )
        if image.dtype.kind not in 'uif':
            raise BadDataError(
                f'{name} holds values of type {image.dtype}, not intensities'
            )
        super().__init__(name, image.shape[:2])
        if channels:
            image = image[..., 0] if channels == (1,) else image[..., :3]
        self._image = image

    def rows(self, start: int, stop: int) -> np.ndarray:
        """See :meth:`ImageSource.rows`."""
        return self._image[start:stop]


class FileImage(ImageSource):
    """One image of an open file.

    Args:
        stack (ImageStack): The open file.
        planned (PlannedImage): Which image of it.
    """

    def __init__(self, stack: ImageStack, planned: PlannedImage) -> None:
        self.path = Path(stack.path)
        shape = stack.layout.height, stack.layout.width
        super().__init__(f'{stack.path}{planned.suffix}', shape)
        self._stack = stack
        self._planned = planned

    def rows(self, start: int, stop: int) -> np.ndarray:
        """See :meth:`ImageSource.rows`."""
        try:
            return merge_channels(
                read_planned(self._stack, self._planned, slice(start, stop))
            )
        except BadDataError as error:
            if str(error).startswith(str(self.path)):
                raise
            raise BadDataError(f'{self.path}: {error}') from error
