import json

import numpy as np
import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations.annotation_faults import (
    Fault,
    FaultFinder,
    report_faults,
)

IMAGES = [
    dict(file_name='wide.tif', height=30, width=90),
    dict(file_name='high.tif', height=90, width=30),
]
POLYGON = [[1, 2, 8, 2, 8, 9]]


def _find(annotations: list[dict], slots: list[int], batch: int = 100) -> dict:
    finder = FaultFinder()
    for start in range(0, len(annotations), batch):
        part = slice(start, start + batch)
        finder.look(annotations[part], np.array(slots[part]))
    finder.judge(IMAGES)
    found = finder.found(IMAGES)
    assert json.loads(json.dumps(found)) == found
    return {(each['kind'], each['category_id']): each for each in found}


def _annotation(number, bbox=(1, 2, 8, 8), category=1, **other) -> dict:
    return dict(
        dict(
            id=number,
            category_id=category,
            bbox=list(bbox),
            area=30.0,
            segmentation=POLYGON,
        ),
        **other,
    )


def test_good_annotations_have_no_fault():
    whole = dict(size=[30, 90], counts=[5, 10, 30 * 90 - 15])
    annotations = [
        _annotation(1),
        _annotation(2, segmentation=[[1, 2], *POLYGON]),
        _annotation(3, segmentation=whole),
        _annotation(4, bbox=(0, 0, 90, 30)),
        _annotation('five', bbox=(-0.5, 0, 91, 30), category='cell'),
    ]
    assert _find(annotations, [0] * 5) == {}


@pytest.mark.parametrize('batch', [1, 2, 100])
def test_each_image_has_its_own_size(batch):
    box = (40, 5, 10, 10)
    annotations = [_annotation(n, box) for n in range(4)]
    found = _find(annotations, [0, 1, 0, 1], batch)
    assert list(found) == [('outside', 1)]
    assert found['outside', 1]['count'] == 2
    assert found['outside', 1]['first_id'] == 1
    assert found['outside', 1]['image'] == 'high.tif'


def test_faults_are_counted_by_category_in_the_order_of_the_file():
    annotations = [
        _annotation('a', (-9, 5, 14, 10)),
        _annotation(2**70, (25, 5, 14, 10), category=2),
        _annotation('c', (5, 85, 14, 10)),
    ]
    found = _find(annotations, [1, 1, 1])
    assert {key: one['count'] for key, one in found.items()} == {
        ('beyond', 1): 2,
        ('beyond', 2): 1,
    }
    assert found['beyond', 1]['first_id'] == 'a'
    assert found['beyond', 2]['first_id'] == 2**70


def test_one_annotation_has_one_fault_and_dropped_ones_no_other():
    annotations = [
        _annotation(1, (500, 5, 9, 9), segmentation=[]),
        _annotation(2, (1, 2, 0, 9), segmentation=[]),
        _annotation(3, (500, 5, 9, 9), ignore=1),
        _annotation(4, segmentation=[]),
    ]
    found = _find(annotations, [0] * 4)
    assert {key[0]: one['first_id'] for key, one in found.items()} == {
        'too_small': 2,
        'outside': 1,
        'no_mask': 4,
    }


def test_report_adds_up_the_categories_that_are_used():
    faults = [
        Fault('outside', 1, 3, 7, 'a.tif'),
        Fault('outside', 2, 4, 9, 'b.tif'),
        Fault('outside', 3, 100, 1, 'c.tif'),
        Fault('other_size_mask', 3, 1, 1, 'c.tif'),
        Fault('no_mask', 1, 1, 7, 'a.tif'),
    ]
    (line,) = report_faults(faults, 'x.json', {1, 2}, with_masks=False)
    assert line.startswith('7 boxes lie wholly outside')
    assert line.endswith('first id 7 in image a.tif')
    assert faults[0].count == 3
    with pytest.raises(BadDataError, match=r'x\.json: 1 of its annotations'):
        report_faults(faults, 'x.json', {1, 2}, with_masks=True)
    with pytest.raises(BadDataError, match=r'x\.json: 1 of its masks'):
        report_faults(faults, 'x.json', {3}, with_masks=False)


def test_what_spoils_the_file_is_reported_for_any_category():
    found = _find([_annotation(1, category=5, area='12')], [0])
    faults = [Fault(**one) for one in found.values()]
    with pytest.raises(BadDataError, match="an 'area' that is not a number"):
        report_faults(faults, 'x.json', {1}, with_masks=False)
