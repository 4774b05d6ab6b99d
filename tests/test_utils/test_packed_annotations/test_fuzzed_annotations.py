"""Annotations that fuzzing found, each a crash or garbage once."""

import json
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations.annotation_cache import open_annotations
from cupre_mm.utils.packed_annotations.annotation_faults import (
    Fault,
    FaultFinder,
    report_faults,
)

SIZE = [24, 32]
GOOD = [2, 2, 9, 2, 9, 9]
DIGITS = '1' + '0' * 400


def report(**changes) -> None:
    entry = dict(
        id=1,
        image_id=1,
        category_id=1,
        bbox=[2, 2, 7, 7],
        area=24.5,
        iscrowd=0,
        segmentation=[GOOD],
    )
    image = dict(id=1, file_name='a.png', height=SIZE[0], width=SIZE[1])
    finder = FaultFinder()
    finder.look([entry, {**entry, 'id': 2, **changes}], np.zeros(2, int))
    finder.judge([image])
    faults = [Fault(**fault) for fault in finder.found([image])]
    report_faults(faults, 'a.json', {1}, with_masks=True)


def test_good_annotations_are_no_fault():
    report()
    report(segmentation={'size': SIZE, 'counts': [5, 10, 100, 3, 650]})
    report(segmentation={'size': SIZE, 'counts': '5:T3IVa0'})


@pytest.mark.parametrize(
    'mask',
    [
        # pycocotools fills what is missing with what lies in memory.
        {'size': SIZE, 'counts': '5:'},
        {'size': SIZE, 'counts': '5:T3IVa0a0'},
        {'size': SIZE, 'counts': 'o' * 20 + 'O'},
        {'size': SIZE, 'counts': 'a\0b'},
        {'size': SIZE, 'counts': '\ud800'},
        {'size': SIZE, 'counts': None},
        {'size': SIZE, 'counts': [5, 10, 100, 3, -650]},
        {'size': SIZE, 'counts': [-5, 24 * 32 + 5]},
        {'size': [float('inf'), 32], 'counts': '5:T3IVa0'},
        {'size': [2**40, 32], 'counts': [2**45]},
        {'size': 24, 'counts': '5:T3IVa0'},
        [[*GOOD[:-1], float('inf')]],
        [[*GOOD[:-1], 1e18]],
        [[*GOOD[:-1], '9']],
        [GOOD, [*GOOD[:-1], None]],
        [[[2, 2], [9, 2], [9, 9]]],
        GOOD,
        'polygon',
    ],
)
def test_mask_that_c_code_would_misread_is_refused(mask):
    with pytest.raises(BadDataError, match=r'segmentation.* first id 2'):
        report(segmentation=mask)


@pytest.mark.parametrize('value', [float('inf'), 10**400], ids=['inf', 'long'])
@pytest.mark.parametrize('key', ['bbox', 'area'])
def test_number_that_no_float_holds_is_refused(key, value):
    """10**400 raised OverflowError when the batch became an array."""
    value = [2, 2, value, 7] if key == 'bbox' else value
    with pytest.raises(BadDataError, match=f'{key}.* first id 2'):
        report(**{key: value})


@pytest.mark.parametrize('key', ['height', 'width'])
@pytest.mark.parametrize('value', [2**31, -1, True, '24'])
def test_size_that_no_image_has_is_refused(tmp_path: Path, key, value):
    image = dict(id=1, file_name='a.png', height=SIZE[0], width=SIZE[1])
    coco = {
        'images': [{**image, key: value}],
        'annotations': [],
        'categories': [{'id': 1, 'name': 'cell'}],
    }
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(coco))
    with pytest.raises(BadDataError, match=f"'{key}' that is not a positive"):
        open_annotations(path, cache=False)
