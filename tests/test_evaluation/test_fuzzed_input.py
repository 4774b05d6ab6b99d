"""Annotations, predictions, settings and reports that fuzzing found."""

import json

import numpy as np
import pytest

from cupre_mm.evaluation.coco_annotations import load_annotations
from cupre_mm.evaluation.coco_predictions import check_predictions
from cupre_mm.evaluation.metric_settings import (
    resolve_settings,
    resolve_thresholds,
)
from cupre_mm.evaluation.report_comparison import compare_reports
from cupre_mm.evaluation.saved_reports import read_reports
from cupre_mm.utils.errors import BadConfigError, BadDataError
from tests.report_files import image_rows, write_report

SIZE = [24, 32]
CODE = '5:T3IVa0'


def load(tmp_path, image=None, **changes):
    entry = dict(
        id=1,
        image_id=1,
        category_id=1,
        bbox=[2, 2, 7, 7],
        area=24.5,
        segmentation=[[2, 2, 9, 2, 9, 9]],
    )
    size = dict(height=SIZE[0], width=SIZE[1])
    coco = {
        'images': [{'id': 1, **size, **(image or {})}],
        'annotations': [{**entry, **changes}],
        'categories': [{'id': 1, 'name': 'cell'}],
    }
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(coco).replace('Infinity', '1e999'))
    return load_annotations(str(path))


@pytest.mark.parametrize(
    'changes',
    [
        dict(segmentation=[[2, 2, 9, 2, 9, 1e18]]),
        dict(segmentation=[[2, 2, 9, 2, 9, float('inf')]]),
        dict(segmentation=[[2, 2, 9, 2, 9, '9']]),
        dict(segmentation=[2, 2, 9, 2, 9, 9]),
        dict(segmentation={'size': None, 'counts': CODE}),
        dict(segmentation={'size': 24, 'counts': CODE}),
        dict(segmentation={'size': SIZE, 'counts': '5:'}),
        dict(segmentation={'size': SIZE, 'counts': CODE + 'a0'}),
        dict(bbox=[2, 2, 7]),
        dict(bbox=[2, 2, 7, '7']),
        dict(bbox=[2, 2, 7, float('inf')]),
        dict(bbox={'x': 2}),
        dict(area='large'),
        dict(area=10**400),
        dict(image={'height': float('inf')}),
        dict(image={'width': -1}),
    ],
    ids=str,
)
def test_annotation_that_cannot_be_scored_is_refused(tmp_path, changes):
    with pytest.raises(BadDataError, match=r'a\.json'):
        load(tmp_path, **changes)


def test_crowd_mark_of_any_kind_is_true_or_false(tmp_path):
    """A list raised TypeError from int()."""
    for mark, is_crowd in (([1], 1), ('yes', 1), (None, 0), (0, 0), (1, 1)):
        coco = load(tmp_path, iscrowd=mark)
        assert coco.dataset['annotations'][0]['iscrowd'] == is_crowd


def test_predicted_code_that_is_too_long_is_refused(tmp_path):
    """faster_coco_eval raises ValueError, not RuntimeError, for these."""
    pred = {
        'img_id': 1,
        'labels': np.zeros(1, int),
        'masks': [{'size': SIZE, 'counts': CODE + 'a0'}],
    }
    with pytest.raises(BadDataError, match='run'):
        check_predictions([pred], load(tmp_path), 1, True, 'a.json')


def test_negative_label_is_refused(tmp_path):
    """Counting the detections of each class raised ValueError."""
    pred = {'img_id': 1, 'labels': np.array([0, -1])}
    with pytest.raises(BadDataError, match='label -1'):
        check_predictions([pred], load(tmp_path), 1, False, 'a.json')


@pytest.mark.parametrize(
    'values',
    [
        dict(max_dets='many'),
        dict(max_dets=1.5),
        dict(max_dets=10**400),
        dict(max_dets=True),
        dict(proposal_nums=5),
        dict(proposal_nums=['a']),
        dict(preset=['livecell']),
        dict(metric=5),
        dict(metric=[['bbox']]),
        dict(metric_items=0.5),
        dict(preset='livecell', proposal_nums=7),
    ],
    ids=str,
)
def test_setting_of_a_wrong_kind_is_refused(values):
    with pytest.raises(BadConfigError):
        resolve_settings(**{'metric': 'bbox', **values})


@pytest.mark.parametrize(
    'thresholds', [[0.5, [0.7]], {}, 'half', [0.0], [1.5], [float('nan')]]
)
def test_thresholds_that_are_no_shares_are_refused(thresholds):
    with pytest.raises(BadConfigError, match='iou_thrs'):
        resolve_thresholds(thresholds)


@pytest.mark.parametrize(
    'changes',
    [
        dict(metrics={'coco/bbox_mAP': {}}),
        dict(metrics={'coco/bbox_mAP': 'good'}),
        dict(metrics={'coco/bbox_mAP': 10**400}),
        dict(details=[1]),
        dict(counts='many'),
        dict(ann_files=5),
        dict(ann_sha256=[{}]),
        dict(images=[{'file_name': ['a.png']}]),
        dict(images=image_rows(['good', 0.2, 0.3, 0.4])),
        dict(images=image_rows([[0.1], 0.2, 0.3, 0.4])),
        dict(images=image_rows([10**400, 0.2, 0.3, 0.4])),
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_report_with_values_of_a_wrong_kind_is_refused(tmp_path, changes):
    good = write_report(tmp_path / 'good')
    other = write_report(tmp_path / 'other')
    content = json.loads(other.read_text())
    other.write_text(json.dumps({**content, **changes}))
    with pytest.raises(BadDataError):
        compare_reports(read_reports([good, other]))


def test_report_nested_deeply_is_refused(tmp_path):
    good = write_report(tmp_path / 'good')
    deep = tmp_path / 'deep.json'
    deep.write_text('[' * 100_000 + ']' * 100_000)
    with pytest.raises(BadDataError, match='not JSON'):
        read_reports([good, deep])
