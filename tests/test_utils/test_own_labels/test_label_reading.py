import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.own_labels.label_reading import read_labels
from tests.labelled_discs import write_labelled


def _coco(out: Path) -> dict:
    return read_coco(out / 'annotations' / 'instances.json')[0]


def test_label_images_beside_their_images(tmp_path):
    source = write_labelled(tmp_path / 'src', images=2)
    read = read_labels(source, tmp_path / 'out', class_name='nucleus')
    coco = _coco(tmp_path / 'out')
    assert read.form == 'labels'
    assert len(coco['images']) == 2
    assert len(coco['annotations']) == 18
    assert [one['name'] for one in coco['categories']] == ['nucleus']


def test_parallel_folders_are_paired(tmp_path):
    flat = write_labelled(tmp_path / 'flat', images=2)
    source = tmp_path / 'src'
    for kind in ('images', 'labels'):
        (source / kind).mkdir(parents=True)
    for number in range(2):
        image, labels = f'field{number}.tif', f'field{number}_masks.tif'
        (flat / image).rename(source / 'images' / image)
        (flat / labels).rename(source / 'labels' / image)
    read = read_labels(source, tmp_path / 'out')
    assert read.result.annotations == 18


def test_binary_masks_are_recognised_and_said(tmp_path):
    source = write_labelled(tmp_path / 'src', images=2, binary=True)
    read = read_labels(source, tmp_path / 'out')
    assert read.form == 'binary'
    assert len(_coco(tmp_path / 'out')['annotations']) == 18
    assert any('taken for binary masks' in note for note in read.notes)


def test_binary_look_is_overruled_by_the_user(tmp_path):
    source = write_labelled(tmp_path / 'src', images=2, binary=True)
    read = read_labels(source, tmp_path / 'out', form='labels')
    assert read.result.annotations == 2
    assert any('--labels-are binary' in note for note in read.notes)


def test_coco_json_keeps_its_categories(tmp_path):
    source = tmp_path / 'src'
    source.mkdir()
    tifffile.imwrite(source / 'a.tif', np.zeros((40, 50), np.uint8))
    square = dict(
        id=1, image_id=1, area=100, iscrowd=0, bbox=[5, 5, 10, 10],
        segmentation=[[5, 5, 15, 5, 15, 15, 5, 15]],
    )  # fmt: skip
    coco = dict(
        images=[dict(id=1, file_name='a.tif', height=40, width=50)],
        categories=[dict(id=7, name='round'), dict(id=3, name='long')],
        annotations=[
            {**square, 'category_id': 7},
            {**square, 'id': 2, 'category_id': 3},
        ],
    )
    (source / 'labels.json').write_text(json.dumps(coco))
    read = read_labels(source, tmp_path / 'kept')
    assert read.form == 'coco'
    kept = _coco(tmp_path / 'kept')
    assert {one['id']: one['name'] for one in kept['categories']} == {
        1: 'round',
        2: 'long',
    }
    assert [one['category_id'] for one in kept['annotations']] == [1, 2]
    read_labels(source, tmp_path / 'one', class_name='cell')
    one = _coco(tmp_path / 'one')
    assert {ann['category_id'] for ann in one['annotations']} == {1}


def test_folder_without_labels_says_how_they_are_named(tmp_path):
    source = tmp_path / 'src'
    source.mkdir()
    tifffile.imwrite(source / 'a.tif', np.zeros((40, 50), np.uint8))
    with pytest.raises(BadDataError, match='_masks'):
        read_labels(source, tmp_path / 'out')


def test_unknown_form_is_refused(tmp_path):
    with pytest.raises(BadConfigError, match='rois'):
        read_labels(tmp_path, tmp_path / 'out', form='rois')
