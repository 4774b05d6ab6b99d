import numpy as np
import pytest

from cupre_mm.apis.detection import Detection
from cupre_mm.apis.overlap_resolution import resolve_overlaps
from cupre_mm.utils.cropped_masks import CroppedMask


def box(top, left, height, width, score) -> Detection:
    mask = CroppedMask(top, left, np.ones((height, width), bool))
    edges = np.array([left, top, left + width, top + height], np.float32)
    return Detection(mask, edges, score, 0)


def reference(detections, shape, min_visible):
    """The same rule on an image of labels."""
    labels = np.zeros(shape, int)
    kept = []
    order = sorted(
        detections, key=lambda d: (-d.score, d.mask.top, d.mask.left)
    )
    for one in order:
        free = labels[one.mask.place] == 0
        left = free & one.mask.pixels
        if left.any() and left.sum() >= min_visible * one.mask.area:
            kept.append(one.score)
            labels[one.mask.place][left] = len(kept)
    return kept, labels


@pytest.mark.parametrize('min_visible', [0.0, 0.5, 1.0])
def test_pixels_are_those_of_painting_from_best_to_worst(min_visible):
    rng = np.random.default_rng(4)
    shape = (300, 200)
    detections = []
    for _ in range(250):
        size = rng.integers(1, 40, 2)
        top, left = rng.integers(0, np.array(shape) - size)
        pixels = rng.random(size) < 0.7
        pixels[[0, -1]] = pixels[:, [0, -1]] = True
        mask = CroppedMask(int(top), int(left), pixels)
        score = round(float(rng.random()), 1)
        detections.append(Detection(mask, np.zeros(4), score, 0))
    kept, dropped = resolve_overlaps(detections, min_visible)
    scores, labels = reference(detections, shape, min_visible)
    assert [one.score for one in kept] == scores
    assert dropped == len(detections) - len(kept) > 0
    painted = np.zeros(shape, int)
    for number, one in enumerate(kept, start=1):
        assert not painted[one.mask.place][one.mask.pixels].any()
        painted[one.mask.place][one.mask.pixels] = number
    np.testing.assert_array_equal(painted, labels)


def test_order_of_equal_scores_does_not_matter():
    cells = [box(5, 5, 10, 10, 0.9), box(8, 8, 10, 10, 0.9)]
    (first, second), _ = resolve_overlaps(cells, 0.0)
    (again, _), _ = resolve_overlaps(cells[::-1], 0.0)
    assert first is again is cells[0]
    assert second.mask.area == 100 - 49
    assert second.box is cells[1].box


def test_hidden_cell_claims_nothing():
    kept, dropped = resolve_overlaps(
        [
            box(0, 0, 10, 10, 0.9),
            box(0, 3, 10, 9, 0.8),
            box(0, 10, 10, 5, 0.7),
        ],
        min_visible=0.5,
    )
    assert dropped == 1
    assert [one.mask.area for one in kept] == [100, 50]


def test_nothing_stays_nothing():
    assert resolve_overlaps([], 0.5) == ([], 0)
