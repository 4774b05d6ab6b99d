"""AP and AR read from COCO's precision and recall arrays."""

from collections.abc import Sequence

import numpy as np

from .size_bins import SizeBin

_IOU_OF = {'mAP_50': 0.5, 'mAP_75': 0.75}


def mean_of_defined(values: np.ndarray) -> float:
    """Mean of what is defined; COCO marks the rest by -1.

    Args:
        values (np.ndarray): Precisions or recalls of any shape.

    Returns:
        float: The mean, or -1 where nothing is defined.
    """
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0


def scores_of(
    precision: np.ndarray,
    recall: np.ndarray,
    iou_thrs: np.ndarray,
    bins: Sequence[SizeBin],
) -> dict[str, float]:
    """Average precision and recall at one cap.

    Args:
        precision (np.ndarray): (IoU, recall, class, size); the first size is
            all sizes, the others are the bins.
        recall (np.ndarray): (IoU, class, size).
        iou_thrs (np.ndarray): IoU thresholds, (T,).
        bins (Sequence[SizeBin]): The size bins.

    Returns:
        dict[str, float]: ``mAP``, ``mAP_50``, ``mAP_75``, ``mAP_{key}`` of
        each bin, ``AR`` and ``AR_{key}``; -1 where no instance or no
        threshold defines it.
    """
    values = {'mAP': mean_of_defined(precision[..., 0])}
    for item, threshold in _IOU_OF.items():
        at = np.isclose(iou_thrs, threshold)
        values[item] = mean_of_defined(precision[at, ..., 0])
    for i, one in enumerate(bins, 1):
        values[f'mAP_{one.key}'] = mean_of_defined(precision[..., i])
    values['AR'] = mean_of_defined(recall[..., 0])
    for i, one in enumerate(bins, 1):
        values[f'AR_{one.key}'] = mean_of_defined(recall[..., i])
    return values


def class_mean(precision: np.ndarray) -> np.ndarray:
    """Average precision curves over the classes that have instances.

    Args:
        precision (np.ndarray): (IoU, recall, class).

    Returns:
        np.ndarray: (IoU, recall), -1 where no class has any.
    """
    defined = precision > -1
    count = defined.sum(axis=2)
    total = np.where(defined, precision, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), -1.0)
