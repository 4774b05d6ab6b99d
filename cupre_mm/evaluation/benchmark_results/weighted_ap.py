"""Average precision of weighted images, for many weightings at once.

AP ranks the detections of all images together, so that it is no mean over
images and resampled images need it computed anew. What became of each
detection does not change, though: an image that was drawn twice is one whose
detections and instances count twice.
"""

from dataclasses import dataclass

import numpy as np

from ..image_matches import RECALL_THRS

# Detections times weightings in memory at a time: few enough for the caches.
_BATCH_VALUES = 300_000


@dataclass(frozen=True)
class APMatches:
    """What became of each detection of one metric, best-scored first.

    Attributes:
        image (np.ndarray): Position of its image, (N,), int.
        label (np.ndarray): Its label, (N,), int.
        right (np.ndarray): Whether it found an instance, (T, N), bool.
        ignored (np.ndarray): Whether it lies in a crowd region, (T, N).
        truths (np.ndarray): Instances of each image and class, crowd left
            out, (I, C), int.
    """

    image: np.ndarray
    label: np.ndarray
    right: np.ndarray
    ignored: np.ndarray
    truths: np.ndarray

    @property
    def num_images(self) -> int:
        """Images of the test set, I."""
        return len(self.truths)


def weighted_ap(matches: APMatches, weights: np.ndarray) -> np.ndarray:
    """Compute COCO's AP as if each image were there so many times.

    Precision is the best at any recall from 101 on, as in ``pycocotools``;
    AP is its mean over recalls, IoU thresholds and the classes that have
    instances.

    Args:
        matches (APMatches): What became of the detections.
        weights (np.ndarray): Times that each image counts, (R, I), int.

    Returns:
        np.ndarray: AP of each weighting, (R,); NaN where no instance is
        left.
    """
    weights = np.asarray(weights, np.int32)
    instances = weights @ matches.truths.astype(np.int64)
    total = np.zeros(len(weights))
    for label in range(matches.truths.shape[1]):
        total += _of_class(matches, label, weights, instances[:, label])
    classes = (instances > 0).sum(axis=1)
    return np.where(classes > 0, total / np.maximum(classes, 1), np.nan)


def _of_class(
    matches: APMatches, label: int, weights: np.ndarray, instances: np.ndarray
) -> np.ndarray:
    """Mean AP over the IoU thresholds, (R,); 0 without instances."""
    mine = np.flatnonzero(matches.label == label)
    image = matches.image[mine]
    ignored = matches.ignored[:, mine]
    right = matches.right[:, mine] & ~ignored
    places = [np.flatnonzero(hits) for hits in right]
    values = np.zeros(len(weights))
    step = max(_BATCH_VALUES // max(len(mine), 1), 1)
    for start in range(0, len(weights), step):
        rows = slice(start, start + step)
        some = weights[rows]
        needed = _fewest_for_recall(instances[rows])
        counted = some.take(image, axis=1)
        # Without crowd regions all thresholds share the number of
        # detections.
        ranks = counted.cumsum(axis=1, dtype=np.int32)
        for at, left_out in zip(places, ignored):
            if len(at) == 0:
                continue
            rank = ranks
            if left_out.any():
                rank = np.where(left_out, 0, counted).cumsum(axis=1)
            found = some.take(image[at], axis=1)
            found = found.cumsum(axis=1, dtype=np.int32)
            # No detection at all counts where no image of one was drawn.
            precision = found / np.maximum(rank.take(at, axis=1), 1)
            values[rows] += _interpolated(found, precision, needed)
    return np.where(instances > 0, values / len(right), 0.0)


def _fewest_for_recall(instances: np.ndarray) -> np.ndarray:
    """Fewest instances whose share reaches each recall, (R, 101)."""
    total = np.maximum(instances, 1)[:, None]
    fewest = np.ceil(RECALL_THRS * total).astype(np.int32)
    # Shares are compared as rounded, as pycocotools compares them.
    fewest -= (fewest - 1) / total >= RECALL_THRS
    fewest += fewest / total < RECALL_THRS
    return np.maximum(fewest, 0).astype(np.int32)


def _interpolated(
    found: np.ndarray, precision: np.ndarray, needed: np.ndarray
) -> np.ndarray:
    """Mean over the recalls of the best precision there or beyond, (R,).

    Wrong detections lower precision: right ones, (R, K), are enough.
    """
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    values = np.zeros(len(found))
    for row, (reached, wanted) in enumerate(zip(found, needed)):
        place = reached.searchsorted(wanted)
        values[row] = best[row].take(place[place < len(reached)]).sum()
    return values / needed.shape[1]
