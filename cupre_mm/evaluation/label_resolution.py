"""Overlapping instance masks made into a label image.

In a label image a pixel belongs to one instance at most. The masks are laid
down one after another, in a stated order, and each takes the pixels that
those before have left. A mask that keeps too little is dropped, and what it
would have kept is free for those after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cupre_mm.utils.rle_runs import Runs, read_runs


@dataclass(frozen=True)
class LabelImage:
    """Instances that do not overlap.

    Attributes:
        labels (np.ndarray): (H, W), int32: 0 is background, 1 to K are the
            instances, each with a pixel or more.
        kept (np.ndarray): Index of the mask that each instance was made of,
            ascending, (K,). The masks that it lacks have been dropped.
    """

    labels: np.ndarray
    kept: np.ndarray


def resolve_by_score(
    masks: Sequence[dict],
    scores: np.ndarray,
    shape: tuple[int, int],
    min_visible: float = 0.5,
) -> LabelImage:
    """Give each pixel to the best-scored mask that claims it.

    Of equal scores the earlier mask is in front. A mask of which less than
    ``min_visible`` is left, or no pixel, is dropped and claims nothing, as
    in the panoptic fusion of Kirillov et al. (CVPR 2019) and detectron2's
    ``combine_semantic_and_instance_outputs``.

    Args:
        masks (Sequence[dict]): Compressed COCO RLEs, N.
        scores (np.ndarray): Their scores, (N,).
        shape (tuple[int, int]): Height and width of the image.
        min_visible (float): Least share of a mask that must be left.
            Defaults to 0.5.

    Returns:
        LabelImage: The instances.

    Raises:
        BadDataError: If a mask has another size or cannot be decoded.
    """
    order = np.argsort(-np.asarray(scores, float), kind='stable')
    return _lay_down(read_runs(masks, shape), order, shape, min_visible)


def resolve_by_size(
    masks: Sequence[dict], shape: tuple[int, int]
) -> LabelImage:
    """Give each pixel to the smallest mask that claims it.

    For ground truth, which has no scores: a small instance on top of a large
    one stays whole. Of equal sizes the earlier mask is in front. A mask is
    dropped if no pixel of it is left.

    Args:
        masks (Sequence[dict]): Compressed COCO RLEs, N.
        shape (tuple[int, int]): Height and width of the image.

    Returns:
        LabelImage: The instances.

    Raises:
        BadDataError: If a mask has another size or cannot be decoded.
    """
    runs = read_runs(masks, shape)
    order = np.argsort(runs.areas, kind='stable')
    return _lay_down(runs, order, shape, 0.0)


def _lay_down(
    runs: Runs, order: np.ndarray, shape: tuple[int, int], min_visible: float
) -> LabelImage:
    height, width = shape
    claimed = np.zeros(height * width, np.int32)
    is_kept = np.zeros(len(order) + 1, bool)
    for mask in order:
        pixels = runs.pixels_of(mask)
        left = pixels[claimed[pixels] == 0]
        if len(left) and len(left) >= min_visible * len(pixels):
            claimed[left] = mask + 1
            is_kept[mask + 1] = True
    # Numbers without gaps; background stays 0.
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    labels = numbers[claimed].reshape(width, height).T
    return LabelImage(labels, np.flatnonzero(is_kept[1:]))
