import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.evaluation.label_resolution import (
    resolve_by_score,
    resolve_by_size,
)
from cupre_mm.utils.errors import BadDataError

SHAPE = (6, 10)


def box(x1: int, x2: int, y1: int = 0, y2: int = 1) -> dict:
    """Run-length code of a box, ends excluded."""
    mask = np.zeros(SHAPE, np.uint8, order='F')
    mask[y1:y2, x1:x2] = 1
    return mask_codes.encode(mask)


def first_row(image) -> list[int]:
    assert not image.labels[1:].any()
    return image.labels[0].tolist()


def test_pixel_belongs_to_the_best_scored_mask():
    masks, scores = [box(0, 5), box(3, 8)], np.array([0.6, 0.9])
    image = resolve_by_score(masks, scores, SHAPE)
    assert first_row(image) == [1, 1, 1, 2, 2, 2, 2, 2, 0, 0]
    assert image.kept.tolist() == [0, 1]
    assert image.labels.dtype == np.int32


def test_of_equal_scores_the_earlier_is_in_front():
    masks = [box(0, 5), box(3, 8)]
    image = resolve_by_score(masks, np.array([0.7, 0.7]), SHAPE)
    assert first_row(image) == [1, 1, 1, 1, 1, 2, 2, 2, 0, 0]


def test_mask_that_keeps_less_than_the_share_is_dropped():
    masks, scores = [box(2, 6), box(0, 5)], np.array([0.9, 0.8])
    dropped = resolve_by_score(masks, scores, SHAPE, min_visible=0.5)
    assert first_row(dropped) == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert dropped.kept.tolist() == [0]
    whole = resolve_by_score(masks, scores, SHAPE, min_visible=0.4)
    assert first_row(whole) == [2, 2, 1, 1, 1, 1, 0, 0, 0, 0]


def test_mask_that_keeps_just_the_share_stays():
    masks, scores = [box(2, 6), box(0, 4)], np.array([0.9, 0.8])
    assert resolve_by_score(masks, scores, SHAPE).kept.tolist() == [0, 1]


def test_dropped_mask_frees_its_pixels_for_those_behind():
    masks = [box(0, 4), box(1, 6), box(4, 8)]
    image = resolve_by_score(masks, np.array([0.9, 0.8, 0.7]), SHAPE)
    assert first_row(image) == [1, 1, 1, 1, 2, 2, 2, 2, 0, 0]
    assert image.kept.tolist() == [0, 2]


def test_mask_eaten_up_is_dropped_at_any_share():
    masks = [box(0, 4), box(1, 3), box(5, 5)]
    image = resolve_by_score(masks, np.array([0.9, 0.8, 1]), SHAPE, 0.0)
    assert image.kept.tolist() == [0]


def test_small_ground_truth_stays_whole_on_a_large_one():
    masks = [box(0, 8), box(2, 4), box(2, 4)]
    image = resolve_by_size(masks, SHAPE)
    assert first_row(image) == [1, 1, 2, 2, 1, 1, 1, 1, 0, 0]
    assert image.kept.tolist() == [0, 1]


def test_ground_truth_stays_however_little_is_left():
    masks = [box(0, 8), box(0, 4), box(4, 7)]
    assert resolve_by_size(masks, SHAPE).kept.tolist() == [0, 1, 2]


def test_rows_and_columns_are_not_mixed_up():
    image = resolve_by_score([box(7, 9, 2, 5)], np.ones(1), SHAPE)
    expected = np.zeros(SHAPE, int)
    expected[2:5, 7:9] = 1
    np.testing.assert_array_equal(image.labels, expected)


def test_no_masks_leave_background():
    for image in (
        resolve_by_size([], SHAPE),
        resolve_by_score([], np.zeros(0), SHAPE),
    ):
        assert image.labels.shape == SHAPE
        assert not image.labels.any()
        assert len(image.kept) == 0


@pytest.mark.parametrize('min_visible', [0.0, 0.3, 0.5, 1.0])
def test_random_masks_resolve_as_pixel_by_pixel(min_visible):
    rng = np.random.default_rng(1)
    masks, scores = [], rng.choice([0.5, 0.6, 0.7, 0.8], 40)
    for _ in scores:
        x, y = rng.integers(0, SHAPE[1]), rng.integers(0, SHAPE[0])
        masks.append(box(x, x + rng.integers(1, 4), y, y + 2))
    image = resolve_by_score(masks, scores, SHAPE, min_visible)

    owner, kept = {}, set()
    for i in sorted(range(len(masks)), key=lambda i: (-scores[i], i)):
        pixels = np.argwhere(mask_codes.decode(masks[i])).tolist()
        left = [pixel for pixel in map(tuple, pixels) if pixel not in owner]
        if left and len(left) / len(pixels) >= min_visible:
            kept.add(i)
            owner.update(dict.fromkeys(left, i))
    assert image.kept.tolist() == sorted(kept)
    for pixel, label in np.ndenumerate(image.labels):
        mask = image.kept[label - 1] if label else None
        assert owner.get(pixel) == mask


def test_mask_of_another_size_is_refused():
    with pytest.raises(BadDataError, match='mask 0 is'):
        resolve_by_size([box(0, 3)], (10, 6))
