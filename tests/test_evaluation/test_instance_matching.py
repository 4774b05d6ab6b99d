from itertools import permutations

import numpy as np
import pytest

from cupre_mm.evaluation.instance_matching import (
    match_pairs,
    measure_overlaps,
)


def random_labels(rng: np.random.Generator, number: int) -> np.ndarray:
    """Label image in which all of 1 to `number` occur."""
    labels = np.repeat(rng.integers(0, number + 1, (9, 4)), 3, axis=1)
    labels[0, :number] = np.arange(1, number + 1)
    return labels


def pairs_of(overlaps, threshold: float, strict: bool = False) -> list:
    matched = match_pairs(overlaps, threshold, strict)
    return list(
        zip(overlaps.truth[matched].tolist(), overlaps.found[matched].tolist())
    )


def row(*labels: int) -> np.ndarray:
    return np.array([labels])


@pytest.mark.parametrize('seed', range(5))
def test_overlaps_are_those_counted_mask_by_mask(seed):
    rng = np.random.default_rng(seed)
    truth, found = random_labels(rng, 5), random_labels(rng, 7)
    overlaps = measure_overlaps(truth, found)
    measured = {}
    for i in range(len(overlaps.truth)):
        key = (int(overlaps.truth[i]), int(overlaps.found[i]))
        measured[key] = (
            int(overlaps.intersections[i]),
            int(overlaps.unions[i]),
            float(overlaps.iou[i]),
        )
    expected = {}
    for t in range(5):
        assert overlaps.truth_areas[t] == (truth == t + 1).sum()
        for f in range(7):
            both = ((truth == t + 1) & (found == f + 1)).sum()
            either = ((truth == t + 1) | (found == f + 1)).sum()
            if both:
                expected[t, f] = (both, either, both / either)
    assert measured == expected
    assert len(measured) == len(overlaps.truth)
    assert len(overlaps.found_areas) == 7


def test_images_without_instances_have_no_overlaps():
    nothing, one = row(0, 0, 0), row(0, 1, 1)
    for truth, found in ((nothing, nothing), (nothing, one), (one, nothing)):
        overlaps = measure_overlaps(truth, found)
        assert len(overlaps.iou) == 0
        assert len(overlaps.truth_areas) == truth.max()
        assert len(overlaps.found_areas) == found.max()
        assert pairs_of(overlaps, 0.5) == []


def test_instance_halved_exactly_matches_one_half_at_an_iou_of_a_half():
    overlaps = measure_overlaps(row(1, 1, 1, 1), row(1, 1, 2, 2))
    assert len(pairs_of(overlaps, 0.5)) == 1
    assert pairs_of(overlaps, 0.5, strict=True) == []


def test_iou_at_the_threshold_is_a_match_unless_strict():
    overlaps = measure_overlaps(row(1, 1, 1, 1, 1), row(1, 1, 1, 0, 0))
    assert pairs_of(overlaps, 0.6) == [(0, 0)]
    assert pairs_of(overlaps, 0.6, strict=True) == []


def test_most_pairs_come_before_the_best_pair():
    # Truth 1 overlaps both predictions, the first of them better, but truth
    # 2 overlaps that one only.
    truth = row(1, 1, 1, 1, 1, 1, 2, 2)
    found = row(2, 2, 1, 1, 1, 1, 1, 0)
    overlaps = measure_overlaps(truth, found)
    assert pairs_of(overlaps, 0.1) == [(0, 1), (1, 0)]
    assert pairs_of(overlaps, 0.5) == [(0, 0)]


@pytest.mark.parametrize('threshold', [0.05, 0.1, 0.2])
@pytest.mark.parametrize('seed', range(4))
def test_matching_is_as_good_as_the_best_of_all(seed, threshold):
    rng = np.random.default_rng(seed)
    overlaps = measure_overlaps(random_labels(rng, 4), random_labels(rng, 5))
    iou = np.zeros((4, 5))
    iou[overlaps.truth, overlaps.found] = overlaps.iou
    reach = np.where(iou >= threshold, iou, 0)
    best = max(
        (
            np.count_nonzero(reach[range(4), order]),
            reach[range(4), order].sum().round(9),
        )
        for order in permutations(range(5), 4)
    )
    pairs = pairs_of(overlaps, threshold)
    truth, found = zip(*pairs) if pairs else ((), ())
    assert len(set(truth)) == len(set(found)) == len(pairs)
    assert (len(pairs), round(sum(iou[p] for p in pairs), 9)) == best
    assert best[0] > 0
