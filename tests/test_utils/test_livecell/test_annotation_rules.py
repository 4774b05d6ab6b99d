import pytest
from pycocotools import mask as rle

from cupre_mm.utils.livecell.annotation_rules import PROBLEMS, mend_annotation

SQUARE = [10, 10, 18.5, 10, 18.5, 16, 10, 16]


def _annotation(**changes) -> dict:
    return {
        'id': 3,
        'image_id': 1,
        'category_id': 1,
        'segmentation': [SQUARE],
        'bbox': [10, 10, 8.5, 6],
        'area': 51.0,
        'iscrowd': 0,
        **changes,
    }


def test_a_good_annotation_keeps_every_number():
    mended, problems = mend_annotation(_annotation(), 52, 70)
    assert problems == []
    assert mended == {
        'segmentation': [SQUARE],
        'bbox': [10, 10, 8.5, 6],
        'area': 51.0,
        'iscrowd': 0,
    }


@pytest.mark.parametrize(
    'mask', [None, [], [[]], [[1, 2, 3, 4]], [SQUARE[:-1]], [['a'] * 6], 'x']
)
def test_a_cell_without_a_polygon_is_left_out(mask):
    annotation = _annotation(segmentation=mask)
    mended, problems = mend_annotation(annotation, 52, 70)
    assert (mended, problems) == (None, ['empty_masks'])


def test_a_polygon_that_encloses_nothing_is_left_out():
    line = _annotation(segmentation=[[1, 1, 5, 5, 9, 9]], area=0)
    assert mend_annotation(line, 52, 70) == (None, ['empty_masks'])


def test_good_polygons_stay_when_another_is_dropped():
    mended, problems = mend_annotation(
        _annotation(segmentation=[[1, 2, 3, 4], SQUARE]), 52, 70
    )
    assert mended['segmentation'] == [SQUARE]
    assert problems == ['polygons_dropped']


def test_a_polygon_that_is_not_in_a_list_of_polygons_is_put_into_one():
    mended, problems = mend_annotation(
        _annotation(segmentation=SQUARE), 52, 70
    )
    assert mended['segmentation'] == [SQUARE]
    assert problems == []


@pytest.mark.parametrize(
    ('box', 'clipped'),
    [
        ([-3, 10, 8, 6], [0, 10, 5, 6]),
        ([66, 50, 8, 6], [66, 50, 4, 2]),
        ([-1, -1, 99, 99], [0, 0, 70, 52]),
    ],
)
def test_a_box_that_sticks_out_is_cut_at_the_border(box, clipped):
    mended, problems = mend_annotation(_annotation(bbox=box), 52, 70)
    assert mended['bbox'] == clipped
    assert problems == ['boxes_clipped']


@pytest.mark.parametrize('box', [[70, 5, 8, 6], [5, 52, 8, 6], [-9, 5, 9, 6]])
def test_a_box_wholly_outside_is_left_out(box):
    mended, problems = mend_annotation(_annotation(bbox=box), 52, 70)
    assert (mended, problems) == (None, ['boxes_outside'])


@pytest.mark.parametrize('box', [None, [1, 2, 3], [5, 5, 0, 6], ['a'] * 4])
def test_a_box_that_cannot_be_used_is_taken_from_the_polygon(box):
    mended, problems = mend_annotation(_annotation(bbox=box), 52, 70)
    assert mended['bbox'] == [10, 10, 8.5, 6]
    assert problems == ['boxes_from_mask']


@pytest.mark.parametrize('area', [None, 0, 'x'])
def test_an_area_that_cannot_be_used_is_that_of_the_polygons(area):
    mended, problems = mend_annotation(
        _annotation(segmentation=[SQUARE, SQUARE[::-1]], area=area), 52, 70
    )
    assert mended['area'] == 2 * 51
    assert problems == []


@pytest.mark.parametrize('compressed', [True, False])
def test_an_rle_mask_stays_and_gives_box_and_area(compressed):
    mask = {'size': [52, 70], 'counts': [52 * 10 + 10, 6, 46, 6, 2938 + 64]}
    if compressed:
        mask = rle.frPyObjects(mask, 52, 70)
        mask['counts'] = mask['counts'].decode()
    mended, problems = mend_annotation(
        _annotation(segmentation=mask, bbox=None, area=None), 52, 70
    )
    assert mended['segmentation'] == mask
    assert mended['bbox'] == [10, 10, 2, 6]
    assert mended['area'] == 12
    assert problems == ['boxes_from_mask']


def test_rle_masks_of_another_size_or_without_counts_are_left_out():
    mask = {'size': [70, 52], 'counts': [3640]}
    other, problems = mend_annotation(_annotation(segmentation=mask), 52, 70)
    assert (other, problems) == (None, ['masks_of_other_size'])
    mask = {'size': [52, 70]}
    other, problems = mend_annotation(_annotation(segmentation=mask), 52, 70)
    assert (other, problems) == (None, ['empty_masks'])


def test_every_kind_has_its_meaning():
    assert all(PROBLEMS.values())
    assert {'duplicates', 'boxes_clipped'} < set(PROBLEMS)
