import json

import numpy as np
import pytest

from cupre_mm.utils.dataset_inspection.light_coco import (
    read_boxes,
    read_instances,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError


def coco(**changes) -> dict:
    images = [
        dict(id='a', file_name='a.png', height=20, width=30),
        dict(id=7, file_name='b.png', height=40, width=50),
        dict(id=8, file_name='empty.png', height=40, width=50),
    ]
    annotations = [
        dict(id=1, image_id=7, category_id=1, bbox=[1, 2, 3, 4], area=9.5,
             iscrowd=0, segmentation=[[1, 2, 4, 2, 4, 6]]),
        dict(id=2, image_id='a', category_id=1, bbox=[0, 0, 5, 6], area=30,
             segmentation={'size': [20, 30], 'counts': 'abc'}),
        dict(id=3, image_id=7, category_id=1, bbox=[9, 9, 0, 2], area=1),
        dict(id=4, image_id=7, category_id=1, bbox=[0, 0, 9, 9], area=81,
             iscrowd=1),
    ]  # fmt: skip
    categories = [dict(id=1, name='cell')]
    return {
        'annotations': annotations,
        'images': images,
        'categories': categories,
        **changes,
    }


def write(folder, content) -> str:
    path = folder / 'ann.json'
    path.write_text(json.dumps(content))
    return path


def test_boxes_belong_to_their_images_whatever_the_order_in_the_file(tmp_path):
    found = read_boxes(write(tmp_path, coco()))
    assert found.boxes.tolist() == [[1, 2, 3, 4], [0, 0, 5, 6]]
    assert found.image_of.tolist() == [1, 0]
    assert found.areas.tolist() == [9.5, 30]
    assert found.counts.tolist() == [1, 1, 0]
    assert found.image_sizes.tolist() == [[20, 30], [40, 50], [40, 50]]


def test_what_is_left_out_is_counted(tmp_path):
    found = read_boxes(write(tmp_path, coco()))
    assert (found.crowds, found.degenerate) == (1, 1)


def test_file_without_an_annotation_has_no_boxes(tmp_path):
    found = read_boxes(write(tmp_path, coco(annotations=[])))
    assert found.boxes.shape == (0, 4)
    assert found.counts.tolist() == [0, 0, 0]


def test_annotations_keyed_by_id_are_read_as_a_list(tmp_path):
    listed = coco()
    keyed = {str(a['id']): a for a in listed['annotations']}
    found = read_boxes(write(tmp_path, coco(annotations=keyed)))
    np.testing.assert_array_equal(
        found.boxes, read_boxes(write(tmp_path, listed)).boxes
    )


def test_whole_annotations_are_given_for_the_images_asked_for(tmp_path):
    found = read_instances(write(tmp_path, coco()), ['a', 8])
    assert set(found) == {'a', 8}
    assert found[8] == []
    assert [entry['id'] for entry in found['a']] == [2]
    assert found['a'][0]['segmentation'] == {
        'size': [20, 30],
        'counts': 'abc',
    }


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (dict(images=[dict(id=7, file_name='b.png')]), 'height and width'),
        (
            dict(
                annotations=[
                    dict(id=1, image_id=7, category_id=1, bbox=[1, 2, 3])
                ]
            ),
            "no usable 'bbox'",
        ),
        (
            dict(
                annotations=[
                    dict(id=1, image_id=7, category_id=1, bbox=[1, 2, 3, 4])
                ]
            ),
            "no usable 'area'",
        ),
        (
            dict(
                annotations=[
                    dict(id=1, image_id=99, bbox=[1, 2, 3, 4], area=3)
                ]
            ),
            'not among its images',
        ),
        (dict(images={}), 'images'),
        (
            dict(annotations=[dict(image_id=7, iscrowd=1), dict(id=2)]),
            "annotation number 1 has no usable 'image_id'",
        ),
    ],
)
def test_unusable_entries_are_named_with_their_file(tmp_path, change, said):
    path = write(tmp_path, coco(**change))
    with pytest.raises(BadDataError, match=said) as caught:
        read_boxes(path)
    assert str(path) in str(caught.value)


def test_cut_and_absent_files_are_said(tmp_path):
    path = write(tmp_path, coco())
    path.write_text(path.read_text()[:-40])
    with pytest.raises(BadDataError, match='cut off'):
        read_boxes(path)
    with pytest.raises(MissingDataError, match='does not exist'):
        read_boxes(tmp_path / 'no.json')
