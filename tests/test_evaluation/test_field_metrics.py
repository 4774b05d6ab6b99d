from fractions import Fraction

import numpy as np
import pytest

from cupre_mm.evaluation.field_metrics import (
    IOU_THRESHOLDS,
    FieldCounts,
    count_errors,
    count_image,
)
from cupre_mm.evaluation.instance_matching import measure_overlaps

SHARES = ['mean_accuracy', 'f1_50', 'f1_75', 'pq', 'sq', 'rq', 'aji']
NAMES = [*SHARES, 'seg', 'fnr']


def scores_of(truth: np.ndarray, found: np.ndarray) -> dict:
    return count_image(measure_overlaps(truth, found)).scores()


def cells(rng: np.random.Generator, number: int) -> np.ndarray:
    """Label image (48, 64) of squares, a few of them partly hidden."""
    labels = np.zeros((48, 64), int)
    for label in range(1, number + 1):
        y, x = rng.integers(0, 40), rng.integers(0, 56)
        labels[y : y + 8, x : x + 8] = label
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def moved(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    """Another segmentation: cells shifted, lost, split and invented."""
    found = np.zeros_like(truth)
    for label in range(1, truth.max() + 1):
        shift = rng.integers(-2, 3, 2) * rng.integers(0, 2)
        mask = np.roll(truth == label, shift, (0, 1))
        fate = rng.integers(0, 8)
        if fate > 0:
            found[mask] = 2 * label
        if fate == 1:
            found[mask & (np.indices(mask.shape)[1] % 2 == 0)] = 2 * label + 1
    found[:4, :5] = 2 * truth.max() + 2
    return np.unique(found, return_inverse=True)[1].reshape(found.shape)


def pixel_sets(labels: np.ndarray) -> list[set]:
    found: dict[int, set] = {}
    for pixel, label in np.ndenumerate(labels):
        if label:
            found.setdefault(int(label), set()).add(pixel)
    return [found[label] for label in sorted(found)]


def reference(truth: np.ndarray, found: np.ndarray) -> dict:
    """The formulas as papers have them, on sets of pixels, exactly."""
    truths, founds = pixel_sets(truth), pixel_sets(found)
    iou = {
        (t, f): Fraction(
            len(truths[t] & founds[f]), len(truths[t] | founds[f])
        )
        for t in range(len(truths))
        for f in range(len(founds))
    }

    def matches(threshold: Fraction, strict: bool = False) -> list:
        # Greedy is optimal from a half up: only exact halves compete.
        used, taken = set(), []
        for (t, f), value in sorted(iou.items(), key=lambda item: -item[1]):
            good = value > threshold if strict else value >= threshold
            if good and ('t', t) not in used and ('f', f) not in used:
                used |= {('t', t), ('f', f)}
                taken.append(value)
        return taken

    accuracy, fnr, f1 = [], [], {}
    for percent in range(50, 100, 5):
        tp = len(matches(Fraction(percent, 100)))
        fp, fn = len(founds) - tp, len(truths) - tp
        accuracy.append(Fraction(tp, tp + fp + fn))
        fnr.append(Fraction(fn, tp + fn))
        f1[percent] = Fraction(2 * tp, 2 * tp + fp + fn)
    panoptic = matches(Fraction(1, 2), strict=True)
    tp = len(panoptic)
    rq = Fraction(2 * tp, len(founds) + len(truths))
    sq = sum(panoptic) / tp

    intersection, union, used = 0, 0, set()
    for t, pixels in enumerate(truths):
        best = max(range(len(founds)), key=lambda f: iou[t, f])
        if iou[t, best] == 0:
            union += len(pixels)
            continue
        used.add(best)
        intersection += len(pixels & founds[best])
        union += len(pixels | founds[best])
    union += sum(len(p) for f, p in enumerate(founds) if f not in used)

    seg = Fraction(0)
    for t, pixels in enumerate(truths):
        for f, other in enumerate(founds):
            if 2 * len(pixels & other) > len(pixels):
                seg += iou[t, f]
    return {
        'mean_accuracy': sum(accuracy) / 10,
        'f1_50': f1[50],
        'f1_75': f1[75],
        'pq': sq * rq,
        'sq': sq,
        'rq': rq,
        'aji': Fraction(intersection, union),
        'seg': seg / len(truths),
        'fnr': sum(fnr) / 10,
    }


@pytest.fixture(params=range(6))
def images(request) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(request.param)
    truth = cells(rng, 25)
    return truth, moved(rng, truth)


def test_scores_are_those_of_a_reference_on_sets_of_pixels(images):
    scores, expected = scores_of(*images), reference(*images)
    assert list(scores) == list(expected) == NAMES
    for name in NAMES:
        assert 0 < expected[name] < 1
        assert scores[name] == pytest.approx(float(expected[name]), abs=1e-12)


def test_accuracy_f1_and_pq_are_those_of_stardist(images):
    stardist = pytest.importorskip('stardist.matching')
    at = stardist.matching(*images, thresh=tuple(IOU_THRESHOLDS))
    scores = scores_of(*images)
    assert scores['mean_accuracy'] == pytest.approx(
        np.mean([m.accuracy for m in at]), abs=1e-12
    )
    assert scores['f1_50'] == pytest.approx(at[0].f1, abs=1e-12)
    assert scores['f1_75'] == pytest.approx(at[5].f1, abs=1e-12)
    # Its IoU are of float32, and an IoU of just 0.5 counts there.
    above = stardist.matching(*images, thresh=np.nextafter(np.float32(0.5), 1))
    assert scores['pq'] == pytest.approx(above.panoptic_quality, abs=1e-6)


def test_panoptic_quality_is_that_of_torchmetrics(images):
    torch = pytest.importorskip('torch')
    detection = pytest.importorskip('torchmetrics.functional.detection')
    truth, found = (
        torch.from_numpy(np.stack([labels > 0, labels], axis=2))[None]
        for labels in images
    )
    quality = detection.panoptic_quality(
        found,
        truth,
        things={1},
        stuffs={0},
        return_per_class=True,
        return_sq_and_rq=True,
    )
    scores = scores_of(*images)
    expected = [scores[name] for name in ('pq', 'sq', 'rq')]
    np.testing.assert_allclose(quality[0], expected, atol=1e-6)


def test_perfect_segmentation_scores_one_in_any_order():
    truth = cells(np.random.default_rng(0), 20)
    found = np.where(truth > 0, truth.max() + 1 - truth, 0)
    scores = scores_of(truth, found)
    assert scores.pop('fnr') == 0
    assert set(scores.values()) == {1.0}


def test_two_cells_in_one_prediction_by_hand():
    truth = np.array([[1, 1, 1, 1, 1, 1, 2, 2, 2, 0]])
    found = np.array([[1, 1, 1, 1, 1, 1, 1, 1, 0, 2]])
    scores = scores_of(truth, found)
    # IoU of the first truth 6 / 8, of the second 2 / 9: a match at six of
    # the ten thresholds, with one miss and one false positive.
    assert scores['mean_accuracy'] == pytest.approx(6 / 10 / 3)
    assert scores['f1_75'] == scores['f1_50'] == pytest.approx(2 / 4)
    assert scores['sq'] == pytest.approx(6 / 8)
    assert scores['pq'] == pytest.approx(6 / 8 * 2 / 4)
    # Both take the first prediction; the second is added to the unions.
    assert scores['aji'] == pytest.approx((6 + 2) / (8 + 9 + 1))
    # It covers more than half of both.
    assert scores['seg'] == pytest.approx((6 / 8 + 2 / 9) / 2)
    assert scores['fnr'] == pytest.approx((6 * 0.5 + 4 * 1) / 10)


def test_exact_half_counts_for_f1_but_not_for_pq_and_seg():
    scores = scores_of(np.array([[1, 1]]), np.array([[1, 2]]))
    assert scores['f1_50'] == pytest.approx(2 / 3)
    assert scores['pq'] == scores['seg'] == 0


def test_iou_on_a_threshold_reaches_it_at_every_threshold():
    for percent in range(50, 100, 5):
        truth = np.ones((1, 100), int)
        found = (np.arange(100) < percent).astype(int)[None]
        counts = count_image(measure_overlaps(truth, found))
        assert counts.tp.sum() == (percent - 50) // 5 + 1
        assert counts.scores()['f1_75'] == (percent >= 75)


def test_neither_truth_nor_prediction_is_perfect_where_defined():
    nothing = np.zeros((4, 4), int)
    scores = scores_of(nothing, nothing)
    assert scores == {**dict.fromkeys(SHARES, 1), 'seg': None, 'fnr': None}


def test_prediction_without_truth_is_wrong():
    nothing, cell = np.zeros((4, 4), int), np.eye(4, dtype=int)
    scores = scores_of(nothing, cell)
    assert scores == {**dict.fromkeys(SHARES, 0), 'seg': None, 'fnr': None}


def test_truth_without_prediction_is_missed():
    nothing, cell = np.zeros((4, 4), int), np.eye(4, dtype=int)
    scores = scores_of(cell, nothing)
    assert scores == {**dict.fromkeys(SHARES, 0), 'seg': 0, 'fnr': 1}


def test_counts_of_images_add_up_to_those_of_both_side_by_side():
    rng = np.random.default_rng(3)
    truths = [cells(rng, 12), cells(rng, 20)]
    founds = [moved(rng, truth) for truth in truths]
    parts = [
        count_image(measure_overlaps(t, f)) for t, f in zip(truths, founds)
    ]
    for images in (truths, founds):
        images[1] = np.where(images[1] > 0, images[1] + images[0].max(), 0)
    together = scores_of(np.hstack(truths), np.hstack(founds))
    added = FieldCounts.total(parts).scores()
    assert added == pytest.approx(together, abs=1e-12)


def test_total_does_not_depend_on_the_order():
    tp = np.zeros(10, int)
    counts = [
        FieldCounts(1, 1, tp, 1, pq_iou, 1, 1, seg_iou)
        for pq_iou, seg_iou in ((1e16, 1.0), (1.0, 1.0), (1.0, 1e16))
    ]
    forth, back = FieldCounts.total(counts), FieldCounts.total(counts[::-1])
    assert forth.pq_iou == back.pq_iou
    assert forth.seg_iou == back.seg_iou


def test_count_error_has_a_sign_and_its_share_has_none():
    assert count_errors(8, 6) == {'count_error': -2, 'count_error_rel': 0.25}
    assert count_errors(4, 6) == {'count_error': 2, 'count_error_rel': 0.5}
    assert count_errors(0, 3) == {'count_error': 3, 'count_error_rel': None}
