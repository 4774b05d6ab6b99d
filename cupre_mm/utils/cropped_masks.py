"""Masks of single instances, kept as small pictures with a place.

An image of 20,000 x 20,000 px with 100,000 cells has no room for a mask of
its whole size a cell. A :class:`CroppedMask` takes about as many bytes as
its box has pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as mask_codes

from cupre_mm.utils.rle_runs import read_runs


@dataclass(frozen=True)
class CroppedMask:
    """One instance.

    Attributes:
        top (int): First row of the mask in the image.
        left (int): First column.
        pixels (np.ndarray): The mask, (h, w), bool; its outermost rows and
            columns hold foreground.
    """

    top: int
    left: int
    pixels: np.ndarray

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.pixels.shape[0]

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.pixels.shape[1]

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the mask lies: ``image[mask.place][mask.pixels]``."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, rows: int, columns: int) -> CroppedMask:
        """Give the same mask at another place.

        Args:
            rows (int): How far down.
            columns (int): How far to the right.

        Returns:
            CroppedMask: The mask, which shares its pixels with this one.
        """
        return CroppedMask(self.top + rows, self.left + columns, self.pixels)

    def area_in(self, top: int, left: int, bottom: int, right: int) -> int:
        """Count the pixels inside of a box.

        Args:
            top (int): First row of the box.
            left (int): First column.
            bottom (int): The row after the last.
            right (int): The column after the last.

        Returns:
            int: Number of pixels.
        """
        inside = self.pixels[
            max(top - self.top, 0) : max(bottom - self.top, 0),
            max(left - self.left, 0) : max(right - self.left, 0),
        ]
        return int(np.count_nonzero(inside))

    def shared_pixels(self, other: CroppedMask) -> int:
        """Count the pixels that two masks have in common.

        Args:
            other (CroppedMask): The other one.

        Returns:
            int: Number of pixels.
        """
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom = min(self.bottom, other.bottom)
        right = min(self.right, other.right)
        if top >= bottom or left >= right:
            return 0
        mine, theirs = (
            one.pixels[
                top - one.top : bottom - one.top,
                left - one.left : right - one.left,
            ]
            for one in (self, other)
        )
        return int(np.count_nonzero(mine & theirs))

    def to_rle(self, shape: tuple[int, int]) -> dict:
        """Encode the mask for an image as COCO does.

        Args:
            shape (tuple[int, int]): Height and width of the image.

        Returns:
            dict: Compressed COCO RLE: ``size`` and ``counts``, a str.
        """
        column, row = np.nonzero(self.pixels.T)
        height, width = shape
        pixel = (column + self.left) * height + row + self.top
        starts = np.flatnonzero(np.diff(pixel, prepend=-2) > 1)
        ends = np.append(starts[1:], len(pixel)) - 1
        counts = np.empty(2 * len(starts) + 1, np.int64)
        counts[1::2] = pixel[ends] - pixel[starts] + 1
        after = np.append(0, pixel[ends] + 1)
        counts[0::2] = np.append(pixel[starts], height * width) - after
        if counts[-1] == 0:
            counts = counts[:-1]
        code = mask_codes.frPyObjects(
            {'size': [height, width], 'counts': counts.tolist()},
            height,
            width,
        )
        return {'size': [height, width], 'counts': code['counts'].decode()}


def crop_mask(pixels: np.ndarray) -> CroppedMask | None:
    """Cut a mask down to its foreground.

    Args:
        pixels (np.ndarray): (H, W), bool.

    Returns:
        CroppedMask: None if there is no foreground.
    """
    rows = np.flatnonzero(pixels.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(pixels.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    inside = pixels[top : rows[-1] + 1, left : columns[-1] + 1]
    return CroppedMask(top, left, np.ascontiguousarray(inside, bool))


def join_masks(masks: Sequence[CroppedMask]) -> CroppedMask:
    """Make one mask of what is in any of several.

    Args:
        masks (Sequence[CroppedMask]): At least one.

    Returns:
        CroppedMask: Their union.
    """
    top, left = min(one.top for one in masks), min(one.left for one in masks)
    bottom = max(one.bottom for one in masks)
    right = max(one.right for one in masks)
    pixels = np.zeros((bottom - top, right - left), bool)
    for one in masks:
        moved = one.moved(-top, -left)
        pixels[moved.place] |= one.pixels
    return CroppedMask(top, left, pixels)


def crop_codes(
    codes: Sequence[dict], shape: tuple[int, int]
) -> list[CroppedMask | None]:
    """Decode run-length codes, without a picture of the image's size each.

    Args:
        codes (Sequence[dict]): Compressed COCO RLEs, N.
        shape (tuple[int, int]): Height and width of the image.

    Returns:
        list[CroppedMask]: N masks; None for one without foreground.

    Raises:
        BadDataError: If a code has another size or cannot be decoded.
    """
    runs = read_runs(codes, shape)
    cropped: list[CroppedMask | None] = []
    for i in range(len(codes)):
        pixels = runs.pixels_of(i)
        if not len(pixels):
            cropped.append(None)
            continue
        column, row = np.divmod(pixels, shape[0])
        top, left = int(row.min()), int(column.min())
        size = int(row.max()) + 1 - top, int(column.max()) + 1 - left
        inside = np.zeros(size, bool)
        inside[row - top, column - left] = True
        cropped.append(CroppedMask(top, left, inside))
    return cropped
