"""The label image, strip by strip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cupre_mm.apis.segmentation import Segmentation


def label_strips(
    segmentation: Segmentation, rows: int
) -> Iterator[np.ndarray]:
    """Paint a label image without having all of it in memory.

    Args:
        segmentation (Segmentation): The cells.
        rows (int): Rows of a strip.

    Yields:
        np.ndarray: The strips from top to bottom, (rows, W) and the last
        one what is left, as :meth:`.Segmentation.label_image` gives them.
    """
    height, width = segmentation.shape
    masks = segmentation.masks
    waiting = sorted(range(len(masks)), key=lambda i: -masks[i].top)
    painted: list[int] = []
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        strip = np.zeros((stop - start, width), segmentation.label_dtype)
        while waiting and masks[waiting[-1]].top < stop:
            painted.append(waiting.pop())
        for i in painted:
            mask = masks[i]
            top, bottom = max(mask.top, start), min(mask.bottom, stop)
            inside = mask.pixels[top - mask.top : bottom - mask.top]
            part = strip[top - start : bottom - start, mask.left : mask.right]
            part[inside] = i + 1
        painted = [i for i in painted if masks[i].bottom > stop]
        yield strip
