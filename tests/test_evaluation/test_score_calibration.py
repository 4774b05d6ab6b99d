import numpy as np
import pytest

from cupre_mm.evaluation.score_calibration import calibrate


def test_bins_and_error_by_hand():
    scores = np.array([0.05, 0.1, 0.95, 0.95])
    correct = np.array([0, 1, 1, 0])
    found = calibrate(scores, correct)
    # 0.1 is the upper edge of the first bin.
    assert found['count'] == [2, *[0] * 8, 2]
    assert found['precision'][0] == pytest.approx(0.5)
    assert found['precision'][5] == -1
    assert found['score'][9] == pytest.approx(0.95)
    assert found['ece'] == pytest.approx((2 * 0.425 + 2 * 0.45) / 4)


def test_scores_that_say_how_often_they_are_right_have_no_error():
    scores = np.repeat([0.25, 0.75], 4)
    correct = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    assert calibrate(scores, correct)['ece'] == pytest.approx(0)


def test_ends_of_the_range_have_a_bin():
    found = calibrate(np.array([0.0, 1.0]), np.array([0, 1]))
    assert (found['count'][0], found['count'][-1]) == (1, 1)


def test_without_detections_nothing_is_defined():
    found = calibrate(np.zeros(0), np.zeros(0))
    assert found['ece'] == -1
    assert set(found['precision']) == {-1}
