"""AP of weighted images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cupre_mm.evaluation.benchmark_results import weighted_ap as module
from cupre_mm.evaluation.benchmark_results.weighted_ap import (
    APMatches,
    weighted_ap,
)


def matches(**changes: Any) -> APMatches:
    """A right detection of image 0, a wrong and a right one of image 1."""
    values = {
        'image': np.array([0, 1, 1]),
        'label': np.zeros(3, int),
        'right': np.array([[True, False, True]]),
        'ignored': np.zeros((1, 3), bool),
        'truths': np.array([[1], [1]]),
    }
    return APMatches(**(values | changes))


@pytest.mark.parametrize(
    ('weights', 'expected'),
    [
        # Recall 0.5 at precision 1: the recalls 0 to 0.5 are 51 of the 101.
        ((1, 1), (51 + 50 * 2 / 3) / 101),
        ((2, 0), 1.0),
        ((0, 1), 1 / 2),
        ((0, 3), 1 / 2),
        # Recall 1/3 at precision 1, 34 recalls; then 3 of 5 are right.
        ((1, 2), (34 + 67 * 3 / 5) / 101),
        # Recall 2/3 at precision 1, 67 recalls; then 3 of 4.
        ((2, 1), (67 + 34 * 3 / 4) / 101),
    ],
)
def test_ap_of_three_detections_by_hand(weights, expected):
    found = weighted_ap(matches(), np.array([weights]))
    assert found == pytest.approx([expected], abs=1e-12)


def test_without_an_instance_there_is_no_ap():
    found = weighted_ap(
        matches(truths=np.array([[1], [0]])), np.array([[0, 2], [1, 0]])
    )
    assert np.isnan(found[0])
    assert found[1] == 1.0


def test_detections_in_a_crowd_region_do_not_count():
    ignored = np.array([[False, True, False]])
    found = weighted_ap(matches(ignored=ignored), np.array([[1, 1], [0, 1]]))
    assert found == pytest.approx([1.0, 1.0])


def test_thresholds_are_averaged():
    right = np.array([[True, False, True], [False, False, False]])
    twice = matches(right=right, ignored=np.zeros((2, 3), bool))
    assert weighted_ap(twice, np.array([[2, 0]])) == pytest.approx([0.5])


def test_classes_without_instances_in_the_draw_are_left_out():
    two = matches(label=np.array([0, 1, 1]), truths=np.array([[1, 0], [0, 1]]))
    found = weighted_ap(two, np.array([[1, 1], [1, 0], [0, 1]]))
    assert found == pytest.approx([0.75, 1.0, 0.5])


def test_batches_do_not_change_what_comes_out(monkeypatch):
    weights = np.random.default_rng(0).integers(0, 4, (50, 2))
    whole = weighted_ap(matches(), weights)
    monkeypatch.setattr(module, '_BATCH_VALUES', 10)
    np.testing.assert_array_equal(weighted_ap(matches(), weights), whole)


def test_no_detections_are_an_ap_of_0():
    none = matches(
        image=np.zeros(0, int),
        label=np.zeros(0, int),
        right=np.zeros((1, 0), bool),
        ignored=np.zeros((1, 0), bool),
    )
    assert weighted_ap(none, np.array([[1, 1]])) == [0.0]


@pytest.mark.parametrize('total', [7, 50, 99, 100, 101, 4237])
def test_fewest_instances_for_a_recall_are_those_of_pycocotools(total):
    recalls = np.arange(1, total + 1) / total
    expected = np.searchsorted(recalls, module.RECALL_THRS, side='left') + 1
    found = module._fewest_for_recall(np.array([total]))[0]
    # No instance at all is needed for a recall of 0, nor more than the
    # first detection.
    np.testing.assert_array_equal(np.maximum(found, 1), expected)


def test_weights_are_repeated_images(
    truth_file: Path, samples_of, ap_by_pycocotools
):
    import json

    from cupre_mm.evaluation.benchmark_results.ap_matches import (
        extract_matches,
    )
    from cupre_mm.evaluation.coco_annotations import load_annotations

    samples = samples_of(0.7, 3)
    once = extract_matches(samples, load_annotations(str(truth_file)), 100)
    weights = [2, 0, 3, 1]
    truth = json.loads(truth_file.read_text())
    images, annotations, repeated = [], [], []
    for image, weight in zip(truth['images'], weights):
        mine = [
            a for a in truth['annotations'] if a['image_id'] == image['id']
        ]
        for _ in range(weight):
            new = len(images)
            images.append({**image, 'id': new})
            annotations += [{**a, 'image_id': new} for a in mine]
            repeated.append({**samples[image['id']], 'img_id': new})
    for number, annotation in enumerate(annotations, 1):
        annotation['id'] = number
    truth |= {'images': images, 'annotations': annotations}
    truth_file.write_text(json.dumps(truth))
    for metric in ('bbox', 'segm'):
        found = weighted_ap(once[metric], np.array([weights]))
        expected = ap_by_pycocotools(repeated, metric)
        assert 0 < expected < 1
        assert found == pytest.approx([expected], abs=1e-9)
