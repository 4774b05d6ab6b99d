"""What limits on the number of detections did to average precision.

Two limits cut detections off. Those that ``max_dets`` leaves out are known,
and counting them gives the AP without that cap. Those that the detector
itself did not give (``max_per_img``) are not known, but two things are: they
score no higher than the lowest detection that was given for their image, and
each can find an instance that nothing found yet or be wrong. The AP without
that limit lies between that of these extremes:

- all wrong, and any number of them: AP of the detections that score above
  the lowest given detection of every image at the limit;
- all right: in each image at the limit every instance that was not found is
  found, at the score of the image's lowest given detection.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .coco_scores import mean_of_defined
from .image_matches import RECALL_THRS, Outcomes


class CapCounts(NamedTuple):
    """How many images and detections limits touched.

    Attributes:
        num_images (int): Images at any limit.
        at_limit (np.ndarray): Positions of the images that have as many
            detections as the detector gives.
        num_dropped (int): Detections beyond ``max_dets``.
        most (int): Largest number of detections of a class in an image.
    """

    num_images: int
    at_limit: np.ndarray
    num_dropped: int
    most: int


def count_capped(
    preds: Sequence[dict], max_dets: int, detector_limit: int | None = None
) -> CapCounts:
    """Count what limits on the detections of an image touch.

    Args:
        preds (Sequence[dict]): Predictions, one for each image.
        max_dets (int): Detections of one class in one image that count.
        detector_limit (int, optional): Most detections that the model gives
            for an image. Defaults to None.

    Returns:
        CapCounts: An image with ``max_dets`` detections of a class is at
        the limit, even if none was dropped.
    """
    num_images = dropped = most = 0
    at_limit = []
    for position, pred in enumerate(preds):
        per_class = np.bincount(pred['labels'], minlength=1)
        dropped += int(np.maximum(per_class - max_dets, 0).sum())
        most = max(most, int(per_class.max()))
        limited = (
            detector_limit is not None and per_class.sum() >= detector_limit
        )
        if limited:
            at_limit.append(position)
        num_images += bool(limited or per_class.max() >= max_dets)
    return CapCounts(num_images, np.array(at_limit, int), dropped, most)


def cap_effect(
    capped: float,
    uncapped: float,
    counts: CapCounts,
    bounds: tuple[float, float] | None = None,
) -> dict[str, float]:
    """Sum up how much AP could move.

    Args:
        capped (float): AP with ``max_dets`` detections a class and image.
        uncapped (float): AP with all detections that were given.
        counts (CapCounts): What was cut.
        bounds (tuple[float, float], optional): See :func:`ap_bounds`, where
            images are at the detector's limit. Defaults to None.

    Returns:
        dict[str, float]: ``mAP``, ``mAP_all_given``, ``mAP_low`` and
        ``mAP_high``, between which AP without limits lies,
        ``num_images_at_cap``, ``num_images_at_detector_limit`` and
        ``num_detections_dropped``.
    """
    low, high = bounds or (uncapped, uncapped)
    return {
        'mAP': capped,
        'mAP_all_given': uncapped,
        'mAP_low': low,
        'mAP_high': high,
        'num_images_at_cap': counts.num_images,
        'num_images_at_detector_limit': len(counts.at_limit),
        'num_detections_dropped': counts.num_dropped,
    }


def ap_bounds(
    outcomes: Outcomes,
    num_truths: np.ndarray,
    floors: np.ndarray,
    at_limit: np.ndarray,
) -> tuple[float, float]:
    """Bound the AP that the detector would have without its limit.

    Args:
        outcomes (Outcomes): All detections that were given.
        num_truths (np.ndarray): Instances, crowd left out, (image, class).
        floors (np.ndarray): Lowest score given, for each image at the limit.
        at_limit (np.ndarray): Positions of these images.

    Returns:
        tuple[float, float]: The bounds; -1 without instances.
    """
    lows, highs = [], []
    floor_of = np.full(len(num_truths), -np.inf)
    floor_of[at_limit] = floors
    for label in range(num_truths.shape[1]):
        total = num_truths[:, label].sum()
        if total == 0:
            continue
        mine = outcomes.label == label
        image, score = outcomes.image[mine], outcomes.score[mine]
        sure = score > floor_of.max()
        for right, ignored in zip(
            outcomes.right[:, mine], outcomes.ignored[:, mine]
        ):
            found = np.bincount(image[right], minlength=len(num_truths))
            missed = (num_truths[:, label] - found)[at_limit]
            kept = sure & ~ignored
            lows.append(average_precision(score[kept], right[kept], total))
            kept = ~ignored
            # Among equal scores the right ones come first: the best case.
            highs.append(
                average_precision(
                    np.concatenate([np.repeat(floors, missed), score[kept]]),
                    np.concatenate([np.ones(missed.sum(), bool), right[kept]]),
                    total,
                )
            )
    if not lows:
        return -1.0, -1.0
    return mean_of_defined(np.array(lows)), mean_of_defined(np.array(highs))


def average_precision(
    score: np.ndarray, right: np.ndarray, num_truths: int
) -> float:
    """COCO's interpolated AP of one class at one IoU threshold.

    Args:
        score (np.ndarray): Scores, (N,).
        right (np.ndarray): Whether each found an instance, (N,).
        num_truths (int): Instances.

    Returns:
        float: The AP.
    """
    right = right[np.argsort(-score, kind='stable')]
    true = np.cumsum(right)
    precision = true / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(true / num_truths, RECALL_THRS, side='left')
    return float(np.append(precision, 0.0)[place].mean())
