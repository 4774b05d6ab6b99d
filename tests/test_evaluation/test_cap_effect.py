"""Average precision and its bounds, on cases small enough to work out."""

import numpy as np
import pytest

from cupre_mm.evaluation.cap_effect import (
    ap_bounds,
    average_precision,
    count_capped,
)
from cupre_mm.evaluation.image_matches import Outcomes


def outcomes(image, score, right) -> Outcomes:
    right = np.array([right], bool)
    return Outcomes(
        image=np.array(image),
        label=np.zeros(len(image), int),
        score=np.array(score, float),
        right=right,
        ignored=np.zeros_like(right),
    )


def test_average_precision_of_half_the_instances():
    # Recall reaches 0.5 at precision 1: 51 of the 101 recalls.
    value = average_precision(np.array([0.9]), np.array([True]), 2)
    assert value == pytest.approx(51 / 101)


def test_no_detection_has_average_precision_zero():
    assert average_precision(np.zeros(0), np.zeros(0, bool), 3) == 0


def test_bounds_of_one_image_at_its_limit():
    # Two instances, one found; what follows scores 0.5 at most.
    given = outcomes([0, 0], [0.9, 0.5], [True, False])
    low, high = ap_bounds(
        given, np.array([[2]]), np.array([0.5]), np.array([0])
    )
    assert low == pytest.approx(51 / 101)
    # The missed one found at 0.5, before the wrong one of that score.
    assert high == pytest.approx(1)


def test_detection_below_the_limit_of_another_image_is_not_sure():
    given = outcomes([0, 1], [0.5, 0.3], [True, True])
    truths = np.array([[1], [1]])
    low, high = ap_bounds(given, truths, np.array([0.5]), np.array([0]))
    # Any number of wrong ones at 0.5 may come before both.
    assert (low, high) == (0, pytest.approx(1))


def test_without_instances_the_bounds_are_not_defined():
    given = outcomes([0], [0.5], [False])
    bounds = ap_bounds(given, np.array([[0]]), np.array([0.5]), np.array([0]))
    assert bounds == (-1, -1)


def test_images_at_either_limit_are_counted_once():
    preds = [
        {'labels': np.array([0, 0, 0, 1])},
        {'labels': np.array([0, 1, 1])},
        {'labels': np.array([], int)},
    ]
    counts = count_capped(preds, max_dets=2, detector_limit=4)
    assert counts.num_images == 2
    assert counts.at_limit.tolist() == [0]
    assert counts.num_dropped == 1
    assert counts.most == 3
