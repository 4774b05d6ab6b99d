"""Measures whether tiling changes what is found in an image."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.utils.box_index import BoxIndex
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.microscopy_io import to_three_channels

_IOU_THR = 0.5
# As PercentileNormalize: a mosaic has no dark images then.
_PERCENTILES = (1.0, 99.8)


@dataclass(frozen=True)
class Agreement:
    """How far two segmentations of one image are the same.

    Attributes:
        num_whole (int): Cells of the image segmented as a whole.
        num_tiled (int): Cells of the image segmented in tiles.
        num_matched (int): Pairs with an IoU of 0.5 or more, each cell in
            one at most.
        mean_iou (float): Of the pairs; 1 where there is none.
    """

    num_whole: int
    num_tiled: int
    num_matched: int
    mean_iou: float

    @property
    def whole_matched(self) -> float:
        """Share of the cells of the whole that tiles give; 1 of none."""
        return self.num_matched / self.num_whole if self.num_whole else 1.0

    @property
    def tiled_matched(self) -> float:
        """Share of the cells of tiles that the whole gives; 1 of none."""
        return self.num_matched / self.num_tiled if self.num_tiled else 1.0


def compare(whole: Segmentation, tiled: Segmentation) -> Agreement:
    """Match the cells of two segmentations, pairs of the best IoU first.

    Args:
        whole (Segmentation): Of the image as a whole.
        tiled (Segmentation): Of the same image in tiles.

    Returns:
        Agreement: How far they are the same.
    """
    index = BoxIndex()
    for j, mask in enumerate(tiled.masks):
        index.add(j, mask)
    pairs = sorted(
        (
            (_iou(mask, tiled.masks[j]), i, j)
            for i, mask in enumerate(whole.masks)
            for j in index.near(mask)
        ),
        key=lambda pair: -pair[0],
    )
    taken: tuple[set[int], set[int]] = set(), set()
    ious = []
    for iou, i, j in pairs:
        if iou >= _IOU_THR and i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            ious.append(iou)
    mean = float(np.mean(ious)) if ious else 1.0
    return Agreement(len(whole), len(tiled), len(ious), mean)


def _iou(one: CroppedMask, other: CroppedMask) -> float:
    shared = one.shared_pixels(other)
    return shared / (one.area + other.area - shared)


def make_mosaic(
    images: Iterable[np.ndarray], side: int
) -> tuple[np.ndarray, int]:
    """Put images side by side, each stretched to 8 bits.

    Images go into shelves as high as the lowest one on them; what does not
    fit is cut off. Where they do not fill the mosaic they come again,
    mirrored.

    Args:
        images (Iterable[np.ndarray]): (H, W), (H, W, 3) or (H, W, 4).
        side (int): Height and width of the mosaic in pixels.

    Returns:
        tuple[np.ndarray, int]: The mosaic, (side, side, 3) uint8, and how
        many images were taken, repeats not counted.

    Raises:
        BadDataError: If there is no image.
    """
    given = iter(images)
    seen: list[np.ndarray] = []
    mosaic = np.zeros((side, side, 3), np.uint8)
    again = None
    top = 0
    while top < side:
        shelf, width = [], 0
        while width < side:
            image = next(given, None)
            if image is not None:
                image = to_three_channels(
                    stretch_to_uint8(image, *_PERCENTILES)
                )
                seen.append(image)
            else:
                again = again or _mirrored(seen)
                image = next(again)
            shelf.append(image)
            width += image.shape[1]
        height = min(side - top, *(len(image) for image in shelf))
        row = np.hstack([image[:height] for image in shelf])
        mosaic[top : top + height] = row[:, :side]
        top += height
    return mosaic, len(seen)


def _mirrored(images: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
    if not images:
        raise BadDataError('a mosaic needs an image at least')
    ways = (np.fliplr, np.flipud, np.rot90)
    for way in itertools.cycle(ways):
        yield from map(way, images)
