"""Segmentations to be written, with cells of all kinds of shape."""

from collections.abc import Sequence

import numpy as np

from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.utils.cropped_masks import CroppedMask, crop_mask


def segmentation_of(
    masks: Sequence[CroppedMask],
    shape: tuple[int, int],
    classes: tuple[str, ...] = ('cell',),
) -> Segmentation:
    """Give masks scores that fall, and classes in turns."""
    count = len(masks)
    boxes = [(m.left, m.top, m.right, m.bottom) for m in masks]
    return Segmentation(
        shape=shape,
        masks=list(masks),
        scores=np.linspace(0.99, 0.51, count).astype(np.float32),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.arange(count) % max(len(classes), 1),
        classes=classes,
        factor=1.0,
    )


def odd_cells(classes: tuple[str, ...] = ('cell',)) -> Segmentation:
    """Cells that are hard to outline, in an image of 60 x 80 px.

    A disc, a ring, a cell of two pieces, a cell within the ring, one of a
    single pixel, a line, pixels that touch by corners, and noise.
    """
    shape = (60, 80)
    row, column = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(row - 20, column - 50)
    pieces = (row < 4) & ((column < 5) | (abs(column - 12) < 2))
    noise = np.zeros(shape, bool)
    noise[40:58, 3:30] = np.random.default_rng(3).random((18, 27)) < 0.6
    pictures = [
        np.hypot(row - 15, column - 20) < 7.5,
        (distance < 14) & (distance > 7),
        pieces,
        distance < 4,
        (row == 59) & (column == 79),
        (row == 50) & (column > 35) & (column < 60),
        (row > 52) & (row < 58) & (column > 60) & ((row + column) % 2 == 0),
        noise,
    ]
    return segmentation_of([crop_mask(p) for p in pictures], shape, classes)
