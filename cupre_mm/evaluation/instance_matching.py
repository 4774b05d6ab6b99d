"""True and predicted instances: how they overlap and which belong together."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array


@dataclass(frozen=True)
class Overlaps:
    """The pairs of instances that share a pixel, P of them.

    Attributes:
        truth_areas (np.ndarray): Pixels of each true instance, (N,).
        found_areas (np.ndarray): Pixels of each predicted instance, (M,).
        truth (np.ndarray): Index of each pair's true instance, (P,).
        found (np.ndarray): Index of its predicted instance, (P,).
        intersections (np.ndarray): Pixels that the two share, (P,).
        unions (np.ndarray): Pixels of either, (P,).
        iou (np.ndarray): Intersection over union, (P,).
    """

    truth_areas: np.ndarray
    found_areas: np.ndarray
    truth: np.ndarray
    found: np.ndarray
    intersections: np.ndarray
    unions: np.ndarray
    iou: np.ndarray


def measure_overlaps(truth: np.ndarray, found: np.ndarray) -> Overlaps:
    """Measure how the instances of two label images overlap.

    Args:
        truth (np.ndarray): Label image (H, W), int: 0 is background, 1 to N
            are the true instances, each with a pixel or more.
        found (np.ndarray): The same of the M predicted instances.

    Returns:
        Overlaps: The overlaps; instance i has label i + 1.
    """
    truth, found = truth.reshape(-1), found.reshape(-1)
    truth_areas = np.bincount(truth, minlength=1)[1:]
    found_areas = np.bincount(found, minlength=1)[1:]
    both = np.flatnonzero((truth > 0) & (found > 0))
    # A sparse histogram: the matrix adds up what falls into one place.
    pixels = coo_array(
        (np.ones(len(both), np.int64), (truth[both] - 1, found[both] - 1)),
        shape=(len(truth_areas), len(found_areas)),
    )
    shared = pixels.tocsr().tocoo()
    rows, columns = shared.row, shared.col
    unions = truth_areas[rows] + found_areas[columns] - shared.data
    return Overlaps(
        truth_areas=truth_areas,
        found_areas=found_areas,
        truth=rows,
        found=columns,
        intersections=shared.data,
        unions=unions,
        iou=shared.data / unions,
    )


def match_pairs(
    overlaps: Overlaps, threshold: float, strict: bool = False
) -> np.ndarray:
    """Match true and predicted instances one to one.

    Of all matchings of pairs that reach the threshold it is one of the most
    pairs, and among those of the highest sum of IoU, as in
    ``stardist.matching`` and ``cellpose.metrics``. Above an IoU of 0.5 no
    instance of a label image has two partners, and nothing is to choose.

    Args:
        overlaps (Overlaps): The overlaps.
        threshold (float): Least IoU of a pair, from 0 to 1.
        strict (bool): Whether the IoU must be above it. Defaults to False.

    Returns:
        np.ndarray: Which of the P pairs are matched, ascending, (K,).
    """
    reach = overlaps.iou > threshold if strict else overlaps.iou >= threshold
    pairs = np.flatnonzero(reach)
    truth, found = overlaps.truth[pairs], overlaps.found[pairs]
    alone = np.bincount(truth)[truth] == 1
    alone &= np.bincount(found)[found] == 1
    if alone.all():
        return pairs
    chosen = _assign(overlaps, pairs[~alone])
    return np.sort(np.concatenate([pairs[alone], chosen]))


def _assign(overlaps: Overlaps, pairs: np.ndarray) -> np.ndarray:
    """Choose among pairs that share instances."""
    rows, row = np.unique(overlaps.truth[pairs], return_inverse=True)
    columns, column = np.unique(overlaps.found[pairs], return_inverse=True)
    shape = (len(rows), len(columns))
    gain = np.zeros(shape)
    # All IoU together weigh half as much as one more pair.
    gain[row, column] = 1 + overlaps.iou[pairs] / (2 * min(shape))
    place = np.full(shape, -1)
    place[row, column] = pairs
    matched = place[linear_sum_assignment(gain, maximize=True)]
    return matched[matched >= 0]
