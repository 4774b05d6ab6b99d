import json

import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.evaluation.cell_scores import CellScores
from cupre_mm.utils.errors import BadConfigError, BadDataError

SHAPE = (20, 30)


def box(x: int, y: int, width: int = 5, height: int = 4) -> dict:
    mask = np.zeros(SHAPE, np.uint8, order='F')
    mask[y : y + height, x : x + width] = 1
    return mask_codes.encode(mask)


def add(scores: CellScores, truth, found, values, img_id=1) -> dict:
    return scores.add(img_id, SHAPE, truth, found, np.array(values))


THREE = [box(0, 0), box(10, 0), box(20, 0)]


def test_figures_of_an_image_by_hand():
    found = [box(0, 0), box(10, 1), box(0, 10)]
    row = add(CellScores(), THREE, found, [0.9, 0.8, 0.7])
    # IoU 1 and 15 / 25, a false positive and a miss.
    assert (row['num_truth'], row['num_found']) == (3, 3)
    assert (row['tp'], row['fp'], row['fn']) == (2, 1, 1)
    assert row['f1_50'] == pytest.approx(4 / 6)
    assert row['f1_75'] == pytest.approx(2 / 6)
    assert row['pq'] == pytest.approx((1 + 0.6) / 3)
    assert row['aji'] == pytest.approx(35 / (20 + 25 + 20 + 20))
    assert row['seg'] == pytest.approx(1.6 / 3)
    # The second matches at 0.5, 0.55 and 0.6.
    assert row['mean_accuracy'] == pytest.approx((3 * 2 / 4 + 7 / 5) / 10)
    assert row['fnr'] == pytest.approx((3 * 1 / 3 + 7 * 2 / 3) / 10)
    assert row['count_error'] == row['count_error_rel'] == 0


def test_detection_below_the_threshold_does_not_count():
    values = [0.5, 0.49, 0.9]
    assert add(CellScores(), THREE, THREE, values)['num_found'] == 2
    assert add(CellScores(0.4), THREE, THREE, values)['num_found'] == 3


def test_scores_stay_with_their_masks_past_the_threshold():
    found, values = [box(20, 10), box(0, 0), box(0, 1)], [0.1, 0.9, 0.6]
    row = add(CellScores(min_visible=0), THREE[:1], found, values)
    assert (row['tp'], row['fp'], row['sq']) == (1, 1, 1)


def test_worse_copy_of_a_detection_is_hidden_and_counted():
    found = [box(1, 0), *THREE]
    row = add(CellScores(), THREE, found, [0.6, 0.9, 0.9, 0.9])
    assert row['num_found_hidden'] == 1
    assert row['num_found'] == 3
    assert row['mean_accuracy'] == 1
    loose = CellScores(min_visible=0.1)
    assert add(loose, THREE, found, [0.6, 0.9, 0.9, 0.9])['fp'] == 1


def test_better_score_takes_the_pixels_whatever_the_order():
    found, values = [box(0, 1), box(0, 0)], [0.6, 0.9]
    row = add(CellScores(min_visible=0), THREE[:1], found, values)
    assert (row['tp'], row['sq']) == (1, 1)
    row = add(CellScores(min_visible=0), THREE[:1], found, values[::-1])
    assert (row['tp'], row['sq']) == (1, pytest.approx(0.6))


def test_ground_truth_given_twice_counts_once():
    row = add(CellScores(), [*THREE, THREE[1]], THREE, [0.9] * 3)
    assert (row['num_truth'], row['num_truth_hidden']) == (3, 1)
    assert row['fnr'] == 0


def test_figures_are_json_as_they_are():
    scores = CellScores()
    row = add(scores, THREE, THREE, np.array([0.9] * 3, np.float32))
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    summary = scores.summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_summary_is_the_mean_over_images_and_the_pool():
    scores = CellScores()
    add(scores, THREE, THREE, [0.9] * 3, img_id=1)
    add(scores, THREE[:1], [box(0, 10)], [0.9], img_id=2)
    summary = scores.summary()
    assert summary['f1_50'] == pytest.approx((1 + 0) / 2)
    assert summary['f1_50_pooled'] == pytest.approx(6 / (6 + 1 + 1))
    assert summary['mean_accuracy'] == pytest.approx(1 / 2)
    assert summary['mean_accuracy_pooled'] == pytest.approx(3 / 5)
    assert summary['pq_pooled'] == pytest.approx(3 / 4)
    assert summary['aji_pooled'] == pytest.approx(60 / 100)
    assert summary['seg'] == pytest.approx(1 / 2)
    assert summary['seg_pooled'] == pytest.approx(3 / 4)
    assert summary['fnr_pooled'] == pytest.approx(1 / 4)
    assert summary['num_images'] == 2
    assert (summary['tp'], summary['fp'], summary['fn']) == (3, 1, 1)
    assert (summary['num_truth'], summary['num_found']) == (4, 4)


def test_count_errors_of_both_signs_cancel_only_in_the_signed_mean():
    scores = CellScores()
    add(scores, THREE, THREE[:1], [0.9])
    add(scores, THREE[:1], THREE, [0.9] * 3)
    summary = scores.summary()
    assert summary['count_error'] == 0
    assert summary['count_error_abs'] == 2
    assert summary['count_error_rel'] == pytest.approx((2 / 3 + 2) / 2)


def test_image_without_truth_is_left_out_of_seg_and_fnr():
    scores = CellScores()
    row = add(scores, [], THREE, [0.9] * 3)
    assert row['seg'] is row['fnr'] is row['count_error_rel'] is None
    assert row['count_error'] == 3
    add(scores, THREE, THREE, [0.9] * 3)
    summary = scores.summary()
    assert (summary['seg'], summary['fnr']) == (1, 0)
    assert summary['count_error_rel'] == 0
    assert summary['mean_accuracy'] == pytest.approx(1 / 2)


def test_empty_image_left_empty_is_perfect():
    scores = CellScores()
    row = add(scores, [], [], [])
    assert row['mean_accuracy'] == row['pq'] == row['aji'] == 1
    summary = scores.summary()
    assert summary['mean_accuracy'] == summary['aji_pooled'] == 1
    assert summary['seg'] == summary['seg_pooled'] == summary['fnr'] == -1
    assert summary['count_error_rel'] == -1


def test_summary_of_no_image_is_not_defined():
    summary = CellScores().summary()
    assert summary['num_images'] == summary['count_error'] == 0
    for name in ('mean_accuracy', 'f1_50_pooled', 'seg', 'count_error_abs'):
        assert summary[name] == -1


def test_summary_does_not_depend_on_the_order_of_the_images():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(12):
        places = rng.integers(0, (25, 16), (8, 2)).tolist()
        masks = [box(x, y) for x, y in places]
        images.append((masks[:5], masks[2:], rng.uniform(0.4, 1, 6)))
    first, second = CellScores(), CellScores()
    for image in images:
        add(first, *image)
    for image in images[::-1]:
        add(second, *image)
    assert first.summary() == second.summary()


def test_damaged_mask_is_refused_with_the_image():
    code = {**box(0, 0), 'counts': box(0, 0)['counts'][:-2]}
    with pytest.raises(BadDataError, match=r'image 7: mask 0 cannot'):
        add(CellScores(), THREE, [code], [0.9], img_id=7)


@pytest.mark.parametrize('values', [[0.9], [0.9, np.nan, 0.9]])
def test_scores_that_are_absent_or_nan_are_refused(values):
    with pytest.raises(BadDataError, match='3 masks of image 7'):
        add(CellScores(), THREE, THREE, values, img_id=7)


@pytest.mark.parametrize(
    'arguments', [{'score_thr': float('nan')}, {'min_visible': 1.5}]
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    with pytest.raises(BadConfigError, match=next(iter(arguments))):
        CellScores(**arguments)
