from types import SimpleNamespace

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval import faster_eval_api_cpp as coco_cpp

from cupre_mm.evaluation.sparse_matches import match_sparse

IOU_THRS = np.array([0.5, 0.6, 0.75, 0.9, 1.0])


def by_faster_coco_eval(boxes, crowd, found, threshold):
    """Match at one threshold alone; gives right and ignored, (D,) each."""
    images, categories = [{'id': 1}], [{'id': 1}]
    one = dict(image_id=1, category_id=1)
    truth = [
        dict(one, id=i, bbox=box, area=box[2] * box[3], iscrowd=int(is_crowd))
        for i, (box, is_crowd) in enumerate(zip(boxes, crowd), start=1)
    ]
    detections = [
        dict(one, id=i, bbox=box, area=box[2] * box[3], iscrowd=0)
        | dict(score=1 - i / 1000)
        for i, box in enumerate(found, start=1)
    ]
    evaluation = COCOeval_faster(
        *(
            COCO(dict(images=images, categories=categories, annotations=part))
            for part in (truth, detections)
        ),
        'bbox',
        separate_eval=True,
    )
    params = evaluation.params
    params.imgIds, params.catIds = [1], [1]
    params.iouThrs, params.maxDets = np.array([threshold]), [len(found)]
    params.areaRng, params.areaRngLbl = [[0, 1e10]], ['all']
    evaluation.evaluate()
    matched = coco_cpp.COCOevalAccumulate(
        SimpleNamespace(
            iouThrs=params.iouThrs,
            recThrs=np.linspace(0, 1, 101),
            maxDets=params.maxDets,
            catIds=[1],
            areaRng=params.areaRng,
            imgIds=[1],
            useCats=1,
        ),
        evaluation._evalImgs_cpp,
    )['matched']
    right, ignored = np.zeros((2, len(found)), bool)
    for pair in matched:
        detection, instance = (int(part) - 1 for part in pair.split('_'))
        ignored[detection] = crowd[instance]
        right[detection] = not crowd[instance]
    return right, ignored, evaluation.ious[1, 1]


@pytest.mark.parametrize('seed', range(12))
def test_crowded_boxes_match_as_in_faster_coco_eval(seed):
    rng = np.random.default_rng(seed)
    # On a coarse grid many boxes are equal, and so are their IoUs.
    corners = rng.integers(0, 4, (40, 2)) * 3.0
    sizes = rng.integers(3, 7, (40, 2)) * 3.0
    boxes = np.hstack([corners, sizes]).tolist()
    crowd = rng.random(40) < 0.15
    moves = rng.integers(-1, 2, (60, 4))
    found = (np.array(boxes)[rng.integers(0, 40, 60)] + moves).tolist()
    compared = 0
    for threshold in IOU_THRS:
        right, ignored, ious = by_faster_coco_eval(
            boxes, crowd, found, threshold
        )
        ours = match_sparse(np.asarray(ious), crowd, np.array([threshold]))
        np.testing.assert_array_equal(ours[0][0], right)
        np.testing.assert_array_equal(ours[1][0], ignored)
        compared += right.sum() + ignored.sum()
    assert compared > 40


def test_thresholds_do_not_touch_each_other():
    rng = np.random.default_rng(0)
    ious, crowd = rng.random((30, 20)), rng.random(20) < 0.2
    right, ignored = match_sparse(ious, crowd, IOU_THRS)
    for i, threshold in enumerate(IOU_THRS):
        alone = match_sparse(ious, crowd, np.array([threshold]))
        np.testing.assert_array_equal(right[i], alone[0][0])
        np.testing.assert_array_equal(ignored[i], alone[1][0])
    assert right.sum() > right[-1].sum()


def test_threshold_of_one_takes_a_perfect_match():
    right, ignored = match_sparse(
        np.eye(2), np.zeros(2, bool), np.array([1.0])
    )
    assert right.all()
    assert not ignored.any()


@pytest.mark.parametrize('shape', [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_match(shape):
    right, ignored = match_sparse(
        np.zeros(shape), np.zeros(shape[1], bool), IOU_THRS
    )
    assert right.shape == ignored.shape == (len(IOU_THRS), shape[0])
    assert not right.any()
