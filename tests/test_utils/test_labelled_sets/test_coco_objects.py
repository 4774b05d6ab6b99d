from itertools import groupby

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools
from pycocotools.coco import COCO

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_objects import (
    convert_annotations,
    decode,
)
from cupre_mm.utils.labelled_sets.coco_source import CocoItem
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules

HEIGHT, WIDTH = 20, 30
SQUARE = [3, 4, 9, 4, 9, 10, 3, 10]


def _as_pycocotools(segmentation):
    coco = COCO()
    coco.imgs = {1: {'height': HEIGHT, 'width': WIDTH}}
    return coco.annToMask({'image_id': 1, 'segmentation': segmentation}) > 0


def _rle(mask, compressed):
    rle = rle_tools.encode(np.asfortranarray(mask, np.uint8))
    if compressed:
        return {'size': [HEIGHT, WIDTH], 'counts': rle['counts'].decode()}
    pixels = mask.ravel('F').tolist()
    runs = [len(list(group)) for _, group in groupby(pixels)]
    counts = [0, *runs] if pixels[0] else runs
    return {'size': [HEIGHT, WIDTH], 'counts': counts}


def _random_masks():
    rng = np.random.default_rng(0)
    for share in (0.0, 0.01, 0.3, 0.97, 1.0):
        for _ in range(20):
            yield rng.random((HEIGHT, WIDTH)) < share


@pytest.mark.parametrize(
    'polygons',
    [
        [SQUARE],
        [[3.2, 4.7, 9.1, 4.4, 6.5, 17.9]],
        [SQUARE, [15, 2, 25, 2, 20, 12]],
        [[-5, -5, 10, -5, 10, 10, -5, 10]],
        [[25, 15, 40, 15, 40, 30, 25, 30]],
    ],
)
def test_polygons_are_those_of_pycocotools(polygons):
    mask, flat = decode(polygons, HEIGHT, WIDTH)
    assert mask.any()
    assert flat == 0
    np.testing.assert_array_equal(mask, _as_pycocotools(polygons))


@pytest.mark.parametrize('compressed', [True, False])
def test_run_lengths_give_their_mask(compressed):
    for mask in _random_masks():
        decoded, _ = decode(_rle(mask, compressed), HEIGHT, WIDTH)
        np.testing.assert_array_equal(decoded, mask)


def test_polygons_of_two_points_are_left_out_and_no_boxes():
    mask, flat = decode([[1, 2, 3, 4], SQUARE, []], HEIGHT, WIDTH)
    assert flat == 2
    np.testing.assert_array_equal(mask, _as_pycocotools([SQUARE]))


def _damaged(change):
    rle = _rle(np.eye(HEIGHT, WIDTH, dtype=bool), True)
    return {**rle, 'counts': change(rle['counts'])}


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (None, 'no segmentation'),
        ([], 'no segmentation'),
        ('abc', 'is a str'),
        ([[1, 2, 3, 4]], 'no polygon of three points'),
        ([[1, 2, 3, 4, 5, 6, 7]], 'has 7 numbers, an odd number'),
        ([[1, 2, 3, 4, 5, None]], 'not a list of numbers'),
        ([1, 2, 3, 4, 5, 6], 'not a list of numbers'),
        ({'size': [HEIGHT, WIDTH]}, 'no counts'),
        ({'size': [HEIGHT, WIDTH], 'counts': [5, 6]}, 'do not add up'),
        ({'size': [HEIGHT, WIDTH], 'counts': [601, -1]}, 'do not add up'),
        ({'size': [WIDTH, HEIGHT], 'counts': [600]}, r'\[30, 20\], the image'),
        (_damaged(lambda text: text[:-1]), 'is damaged'),
        (_damaged(lambda text: text + 'o'), 'is damaged'),
        (_damaged(lambda text: '\u00e9' + text), 'is damaged'),
    ],
)
def test_unusable_segmentations_say_why(segmentation, message):
    with pytest.raises(BadDataError, match=message):
        decode(segmentation, HEIGHT, WIDTH)


def _convert(tmp_path, annotations, size=None, crowds='keep', **rules):
    src = tmp_path / 'src'
    src.mkdir()
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(src / 'a.png')
    item = CocoItem(
        'a.png', 'a.png', annotations, 'a.png', size, {'stain': 'DAPI'},
        {'x': 1, 'y': 2}, 'fingerprint',
    )  # fmt: skip
    with open_source(src) as tree:
        return convert_annotations(
            tree, item, tmp_path, ObjectRules(**rules), crowds
        )


def _annotation(number, **keys):
    return {
        'id': number,
        'category_id': 'x',
        'segmentation': [SQUARE],
        'bbox': [0.5, 0.5, 7.0, 7.0],
        'area': 1.5,
        **keys,
    }


def test_area_and_box_are_those_of_the_pixels(tmp_path):
    annotation = _annotation(4, category_id='y', score=0.5)
    record = _convert(tmp_path, [annotation], size=(HEIGHT, WIDTH))
    (result,) = record['annotations']
    mask = _as_pycocotools([SQUARE])
    assert result.pop('segmentation') == _rle(mask, True)
    assert result == {
        'category_id': 2,
        'iscrowd': 0,
        'area': mask.sum(),
        'bbox': [3, 4, 6, 6],
        'score': 0.5,
    }
    assert record['cases'] == {}
    assert record['attributes'] == {'stain': 'DAPI'}


def test_each_odd_annotation_is_dropped_and_listed(tmp_path):
    empty = _rle(np.zeros((HEIGHT, WIDTH), bool), True)
    turned = {'size': [WIDTH, HEIGHT], 'counts': [600]}
    record = _convert(
        tmp_path,
        [
            _annotation(1, category_id='z'),
            _annotation(2, segmentation=[]),
            _annotation(3, segmentation=turned),
            _annotation(4, segmentation=empty),
            _annotation(5, bbox=[0, 0, 40, 10]),
            _annotation(6, segmentation=[[1, 2, 3, 4], SQUARE], bbox=None),
            {'segmentation': [SQUARE]},
        ],
    )
    assert len(record['annotations']) == 2
    assert record['cases'] == {
        'unknown_categories': ["a.png:1: 'z'", 'a.png:number 6: None'],
        'bad_masks': ['a.png:2: it has no segmentation'],
        'other_size_masks': [
            'a.png:3: the RLE has size [30, 20], the image [20, 30]'
        ],
        'empty_masks': ['a.png:4'],
        'boxes_outside': ['a.png:5'],
        'flat_polygons': ['a.png:6'],
        'overlapping_masks': ['a.png:6'],
    }


@pytest.mark.parametrize(
    ('box', 'outside'),
    [
        ([-0.4, 0, 30.8, 20], False),
        ([-2, 0, 5, 5], True),
        ([0, 17, 5, 5], True),
        (['a', 0, 5, 5], False),
    ],
)
def test_boxes_that_leave_the_image_are_counted(tmp_path, box, outside):
    record = _convert(tmp_path, [_annotation(1, bbox=box)])
    assert ('boxes_outside' in record['cases']) is outside
    assert len(record['annotations']) == 1


def test_crowds_are_regions_beyond_the_rules(tmp_path):
    parts = _rle(np.eye(HEIGHT, WIDTH, dtype=bool)[:, ::-1], False)
    crowd = _annotation(1, segmentation=parts, iscrowd=1)
    for name in 'ab':
        (tmp_path / name).mkdir()
    record = _convert(tmp_path / 'a', [crowd], border='drop', min_area=50)
    (result,) = record['annotations']
    assert (result['iscrowd'], result['area']) == (1, 20)
    assert record['cases'] == {'crowds': ['a.png:1']}
    record = _convert(tmp_path / 'b', [crowd], crowds='drop')
    assert record['annotations'] == []
    assert record['cases'] == {'crowds': ['a.png:1']}


def test_rules_apply_to_objects(tmp_path):
    two = [SQUARE, [20, 4, 26, 4, 26, 10, 20, 10]]
    record = _convert(
        tmp_path, [_annotation(1, segmentation=two)], components='split'
    )
    assert [ann['bbox'] for ann in record['annotations']] == [
        [3, 4, 6, 6],
        [20, 4, 6, 6],
    ]
    assert record['cases'] == {'objects_in_pieces': ['a.png:1']}


def test_an_image_of_another_size_than_the_json_says(tmp_path):
    record = _convert(tmp_path, [_annotation(1)], size=(WIDTH, HEIGHT))
    assert record['cases'] == {
        'other_size_images': ['a.png: 30x20 pixels, the json says 20x30']
    }
    assert record['width'] is None
    assert not (tmp_path / 'a.png').exists()


def test_an_image_without_annotations_is_kept(tmp_path):
    record = _convert(tmp_path, [])
    assert record['cases'] == {'images_without_annotations': ['a.png']}
    assert record['width'] == WIDTH
