import io

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.labelled_sets.coco_records import (
    ImageRecord,
    annotate,
    build_coco,
    collect_cases,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules, cut_out


def test_annotations_are_those_of_pycocotools():
    rng = np.random.default_rng(0)
    checked = 0
    for share in (0.02, 0.1, 0.5, 0.9, 1.0):
        for _ in range(60):
            height, width = rng.integers(1, 25, 2).tolist()
            mask = rng.random((height, width)) < share
            if not mask.any():
                continue
            rle = rle_tools.encode(np.asfortranarray(mask, np.uint8))
            assert annotate(cut_out(mask), height, width) == {
                'segmentation': {
                    'size': [height, width],
                    'counts': rle['counts'].decode(),
                },
                'bbox': rle_tools.toBbox(rle).tolist(),
                'area': rle_tools.area(rle),
            }
            checked += 1
    assert checked > 250


@pytest.fixture
def record(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(stream, 'PNG')
    (tmp_path / 'src').mkdir()
    (tmp_path / 'src' / 'a.png').write_bytes(stream.getvalue())
    record = ImageRecord('sub/a.png', ObjectRules(), {'stain': 'H&E'})
    with open_source(tmp_path / 'src') as tree:
        assert record.store(tree, 'a.png', tmp_path)
    return record


def _box(rows, columns):
    mask = np.zeros((6, 8), bool)
    mask[rows, columns] = True
    return cut_out(mask)


def test_a_record_has_size_annotations_and_cases(record, tmp_path):
    record.add('m1', _box(slice(1, 3), slice(1, 4)), category_id=7)
    record.add('m2', _box(slice(2, 5), slice(3, 6)))
    record.add_region(_box(slice(0, 6), slice(0, 8)), iscrowd=1)
    result = record.as_dict()
    assert (result['height'], result['width']) == (6, 8)
    assert [ann['area'] for ann in result['annotations']] == [6, 9, 48]
    assert result['annotations'][0]['category_id'] == 7
    # The region covers all and still is no overlapping object.
    assert result['cases'] == {'overlapping_masks': ['m2']}
    assert (tmp_path / 'sub' / 'a.png').is_file()


def test_leaving_out_removes_the_image_and_keeps_the_cases(record, tmp_path):
    record.add('m1', _box(slice(0, 3), slice(1, 4)))
    record.leave_out(tmp_path)
    result = record.as_dict()
    assert result['width'] is None
    assert result['annotations'] == []
    assert result['cases'] == {'border_objects': ['m1']}
    assert not (tmp_path / 'sub' / 'a.png').exists()


def test_json_numbers_images_and_annotations_anew(record):
    record.add('m1', _box(slice(1, 3), slice(1, 4)))
    record.add('m2', _box(slice(4, 5), slice(1, 4)), category_id=2, iscrowd=1)
    whole = record.as_dict()
    left_out = {**whole, 'width': None}
    coco = build_coco(
        [whole, left_out, {**whole, 'file_name': 'b.png'}],
        [{'id': 3, 'name': 'cell'}, {'id': 2, 'name': 'debris'}],
        info={'description': 'd'},
    )
    assert coco['info'] == {'description': 'd'}
    assert coco['images'] == [
        {
            'id': image_id,
            'file_name': name,
            'width': 8,
            'height': 6,
            'stain': 'H&E',
        }
        for image_id, name in ((1, 'sub/a.png'), (3, 'b.png'))
    ]
    keys = ('id', 'image_id', 'category_id', 'iscrowd')
    assert [tuple(a[k] for k in keys) for a in coco['annotations']] == [
        (1, 1, 3, 0),
        (2, 1, 2, 1),
        (3, 3, 3, 0),
        (4, 3, 2, 1),
    ]


def test_cases_are_gathered_by_kind_with_those_never_met():
    records = [{'cases': {'a': ['1']}}, {'cases': {'a': ['2'], 'b': ['3']}}]
    assert collect_cases(records, ['b', 'a', 'c']) == {
        'a': ['1', '2'],
        'b': ['3'],
        'c': [],
    }
