"""Predictions as label images and back."""

import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.evaluation.peers.peer_predictions import to_labels, to_sample

ENTRY = dict(id=4, file_name='a.png', height=8, width=10)


def labels_of_two() -> np.ndarray:
    labels = np.zeros((8, 10), np.int32)
    labels[1:3, 2:6] = 1
    # Number 2 is not there: a filter of the method took it.
    labels[5:8, 0:2] = 3
    return labels


def test_boxes_masks_and_scores_are_those_of_the_labels():
    sample = to_sample(ENTRY, labels_of_two(), {'1': 0.5, '3': 0.9})
    found = sample['pred_instances']
    assert found['bboxes'].tolist() == [[2, 1, 6, 3], [0, 5, 2, 8]]
    assert found['labels'].tolist() == [0, 0]
    masks = mask_codes.decode(list(found['masks']))
    assert masks[..., 1].sum() == 6
    assert masks[5:8, 0:2, 1].all()
    assert sample['ori_shape'] == (8, 10)


def test_scores_keep_their_order_and_pass_the_threshold():
    scores = {'1': 0.02, '3': 0.97}
    sample = to_sample(ENTRY, labels_of_two(), scores)
    assert sample['pred_instances']['scores'].tolist() == pytest.approx(
        [0.51, 0.985]
    )


def test_labels_survive_the_way_there_and_back():
    labels = labels_of_two()
    back = to_labels(to_sample(ENTRY, labels, {'1': 0.0, '3': 0.1}))
    np.testing.assert_array_equal(back > 0, labels > 0)
    assert {*np.unique(back)} == {0, 1, 2}


def test_image_without_instances_is_empty_both_ways():
    sample = to_sample(ENTRY, np.zeros((8, 10), np.int32), {})
    assert sample['pred_instances']['bboxes'].shape == (0, 4)
    assert to_labels(sample).tolist() == np.zeros((8, 10)).tolist()


def test_detections_below_half_do_not_reach_the_label_image():
    sample = to_sample(ENTRY, labels_of_two(), {'1': 0.5, '3': 0.9})
    sample['pred_instances']['scores'][0] = 0.49
    assert to_labels(sample)[1:3, 2:6].max() == 0
    assert to_labels(sample)[5:8, 0:2].min() == 1
