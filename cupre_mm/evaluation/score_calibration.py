"""Whether a score says how often a detection is right."""

import numpy as np


def calibrate(
    scores: np.ndarray, correct: np.ndarray, num_bins: int = 10
) -> dict[str, list | float]:
    """Compare scores with the share of right detections, in score bins.

    The expected calibration error is the mean over all detections of the
    distance between a bin's precision and its mean score (Guo et al., On
    Calibration of Modern Neural Networks, ICML 2017).

    Args:
        scores (np.ndarray): Scores from 0 to 1, (N,).
        correct (np.ndarray): Whether each detection is right, (N,).
        num_bins (int): Bins of equal width; each has its upper edge, the
            first both. Defaults to 10.

    Returns:
        dict[str, list | float]: ``edges`` (B + 1), and for each bin
        ``count``, ``score`` (its mean) and ``precision``, -1 where the bin
        is empty; and ``ece``, -1 without detections.
    """
    edges = np.linspace(0, 1, num_bins + 1)
    bins = np.clip(np.searchsorted(edges, scores) - 1, 0, num_bins - 1)
    count = np.bincount(bins, minlength=num_bins)
    of_bin = np.maximum(count, 1)
    score = np.bincount(bins, scores, minlength=num_bins) / of_bin
    precision = np.bincount(bins, correct, minlength=num_bins) / of_bin
    error = float((count * np.abs(precision - score)).sum())
    empty = count == 0
    return {
        'edges': edges.round(6).tolist(),
        'count': count.tolist(),
        'score': np.where(empty, -1.0, score).tolist(),
        'precision': np.where(empty, -1.0, precision).tolist(),
        'ece': error / len(scores) if len(scores) else -1.0,
    }
