"""What goes wrong with real folders, from the json to the first batch."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from mmdet.utils import register_all_modules
from pycocotools import mask as coco_mask
from torch.utils.data import DataLoader

from cupre_mm.utils.cli import message_of
from cupre_mm.utils.errors import BadDataError, MissingDataError
from tests.coco_folder import (
    HEIGHT,
    WIDTH,
    build_dataset,
    cell,
    coco,
    write_folder,
)

LOADERS = ('cupre_mm.LoadCellImage', 'LoadImageFromFile')


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=True)


def _warnings(log: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in log.records
        if record.levelno == logging.WARNING
    ]


@pytest.mark.parametrize('loader', LOADERS)
@pytest.mark.parametrize('name', ['a.tif', 'a.png', 'a.jpg'])
@pytest.mark.parametrize('left', [0.0, 0.01, 0.6])
def test_image_file_that_was_cut_short_is_named(
    tmp_path: Path, name: str, left: float, loader: str
):
    write_folder(tmp_path, coco([cell(1)], (name,)))
    file = tmp_path / 'images' / name
    content = file.read_bytes()
    file.write_bytes(
        content[: left if left >= 1 else int(left * len(content))]
    )
    dataset = build_dataset(tmp_path, loader)
    with pytest.raises(BadDataError, match=rf'images/{name}'):
        dataset[0]


def test_broken_image_in_a_worker_is_still_named(tmp_path: Path):
    write_folder(tmp_path, coco([cell(1)]))
    (tmp_path / 'images/a.tif').write_bytes(b'')
    loader = DataLoader(
        build_dataset(tmp_path), num_workers=1, collate_fn=lambda batch: batch
    )
    with pytest.raises(BadDataError) as caught:
        next(iter(loader))
    assert message_of(caught.value) == (
        f'{tmp_path}/images/a.tif: the file is empty (0 bytes)'
    )


def test_json_whose_images_are_absent_names_both(tmp_path: Path):
    write_folder(tmp_path, coco([cell(1)], ('a.tif', 'b.tif', 'c.tif')))
    for name in 'bc':
        (tmp_path / 'images' / f'{name}.tif').unlink()
    with pytest.raises(MissingDataError, match='2 of the 3 images') as caught:
        build_dataset(tmp_path)
    for file in ('ann.json', 'images/b.tif', 'images/c.tif'):
        assert str(tmp_path / file) in str(caught.value)


def test_image_that_vanishes_later_is_named(tmp_path: Path):
    write_folder(tmp_path, coco([cell(1)]))
    dataset = build_dataset(tmp_path)
    (tmp_path / 'images/a.tif').unlink()
    with pytest.raises(MissingDataError, match=r'images/a\.tif'):
        dataset[0]


def test_boxes_outside_the_image_are_counted_and_treated_as_in_mmdet(
    tmp_path: Path, log: pytest.LogCaptureFixture
):
    annotations = [
        cell(1),
        cell(2, x=WIDTH + 1),
        cell(3, y=-8),
        cell(4, x=WIDTH - 3),
        # Less than a pixel beyond: how tools count differs by as much.
        cell(5, x=WIDTH - 5.5),
        cell(6, x=-50, category_id=2),
        cell(7, y=-2, ignore=1),
    ]
    write_folder(tmp_path, coco(annotations))
    dataset = build_dataset(tmp_path, pipeline=[])
    boxes = [each['bbox'][:2] for each in dataset[0]['instances']]
    assert boxes == [[5, 5], [WIDTH - 3, 5], [WIDTH - 5.5, 5]]
    told = _warnings(log)[1:]
    assert len(told) == 2
    assert all(str(tmp_path / 'ann.json') in line for line in told)
    assert '2 boxes lie wholly outside their image' in told[0]
    assert 'first id 2 in image a.tif' in told[0]
    assert '1 boxes reach more than 1 px beyond' in told[1]
    assert 'first id 4' in told[1]


def test_objects_too_small_for_mmdet_are_counted(
    tmp_path: Path, log: pytest.LogCaptureFixture
):
    annotations = [
        cell(1),
        cell(2, area=0),
        cell(3, bbox=[5, 5, 0.5, 8]),
        cell(4, bbox=[5, 5, 8, 0]),
    ]
    write_folder(tmp_path, coco(annotations))
    dataset = build_dataset(tmp_path, pipeline=[])
    assert len(dataset[0]['instances']) == 1
    (told,) = _warnings(log)
    assert f'{tmp_path}/ann.json: 3 annotations have no area or a box' in told
    assert 'first id 2 in image a.tif' in told


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(bbox=[1, 2, 3]), "have a 'bbox' that is not four numbers"),
        (dict(bbox=None), "have a 'bbox' that is not four numbers"),
        (dict(bbox=['1', '2', '3', '4']), "a 'bbox' that is not four numbers"),
        (dict(area='48'), "have an 'area' that is not a number"),
        (dict(segmentation=[1, 2, 3, 4, 5, 6]), 'neither polygons nor run'),
        (dict(segmentation='abc'), 'neither polygons nor run lengths'),
        (dict(segmentation=[['1', '2', '3', '4', '5', '6']]), 'neither'),
        (dict(segmentation={'counts': [5]}), 'neither polygons nor run'),
        (
            dict(segmentation={'size': [HEIGHT, WIDTH], 'counts': [5, 9]}),
            'neither polygons nor run lengths',
        ),
        (dict(segmentation=[]), 'no segmentation, and the pipeline loads'),
        (dict(segmentation=None), 'no segmentation, and the pipeline loads'),
        (dict(segmentation={}), 'no segmentation, and the pipeline loads'),
    ],
)
def test_annotations_that_cannot_be_used_are_counted_and_refused(
    tmp_path: Path, changes: dict, message: str
):
    annotations = [cell(1), cell(2, **changes), cell(3, **changes)]
    write_folder(tmp_path, coco(annotations))
    with pytest.raises(BadDataError) as caught:
        build_dataset(tmp_path)
    assert message in str(caught.value)
    assert f'{tmp_path}/ann.json: 2 of its' in str(caught.value)
    assert 'first id 2 in image a.tif' in str(caught.value)


def test_missing_masks_matter_only_where_masks_are_loaded(
    tmp_path: Path, log: pytest.LogCaptureFixture
):
    without = cell(2)
    del without['segmentation']
    write_folder(tmp_path, coco([cell(1), without]))
    boxes_only = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True),
    ]
    sample = build_dataset(tmp_path, pipeline=boxes_only)[0]
    assert len(sample['gt_bboxes']) == 2
    with pytest.raises(BadDataError, match='with_mask=False'):
        build_dataset(tmp_path)


def test_bad_masks_of_categories_that_are_not_used_do_no_harm(tmp_path: Path):
    write_folder(
        tmp_path, coco([cell(1), cell(2, category_id=2, segmentation=3)])
    )
    assert len(build_dataset(tmp_path)[0]['gt_bboxes']) == 1


def test_empty_masks_are_counted_and_treated_as_in_mmdet(
    tmp_path: Path, log: pytest.LogCaptureFixture
):
    blank = np.zeros((HEIGHT, WIDTH), np.uint8, order='F')
    compressed = coco_mask.encode(blank)
    compressed['counts'] = compressed['counts'].decode()
    whole = {'size': [HEIGHT, WIDTH], 'counts': [HEIGHT * WIDTH]}
    annotations = [
        cell(1),
        cell(2, segmentation=[[5, 5, 9, 9]]),
        cell(3, segmentation=[[]]),
        cell(4, segmentation=compressed),
        cell(5, segmentation=whole),
    ]
    write_folder(tmp_path, coco(annotations))
    sample = build_dataset(tmp_path)[0]
    (told,) = _warnings(log)
    assert f'{tmp_path}/ann.json: 4 masks are empty' in told
    assert 'first id 2 in image a.tif' in told
    ignored = sample['gt_ignore_flags'].tolist()
    assert ignored == [False, True, True, False, False]
    areas = sample['gt_masks'].masks.sum(axis=(1, 2))
    assert areas[0] > 0
    assert areas[3:].tolist() == [0, 0]


@pytest.mark.parametrize('size', [[HEIGHT, WIDTH - 1], [WIDTH, HEIGHT]])
def test_masks_of_another_size_than_the_image_are_refused(
    tmp_path: Path, size: list[int]
):
    rle = coco_mask.encode(np.ones(size, np.uint8, order='F'))
    rle['counts'] = rle['counts'].decode()
    write_folder(tmp_path, coco([cell(1), cell(2, segmentation=rle)]))
    with pytest.raises(BadDataError) as caught:
        build_dataset(tmp_path)
    for text in (
        f'{tmp_path}/ann.json: 1 of its masks',
        'first id 2 in image a.tif',
        f'mask {size[0]} x {size[1]}, image {HEIGHT} x {WIDTH}',
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize('loader', LOADERS)
@pytest.mark.parametrize('name', ['a.tif', 'a.png'])
def test_image_of_another_size_than_recorded_is_named(
    tmp_path: Path, name: str, loader: str
):
    content = coco([cell(1)], (name,))
    write_folder(tmp_path, content)
    content['images'][0].update(height=WIDTH, width=HEIGHT)
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    with pytest.raises(BadDataError) as caught:
        build_dataset(tmp_path, loader)[0]
    assert str(caught.value).startswith(
        f'{tmp_path}/images/{name} is {HEIGHT} x {WIDTH} px (height x width), '
        f'but {tmp_path}/ann.json says {WIDTH} x {HEIGHT}'
    )


def test_duplicate_image_ids_are_named(tmp_path: Path):
    content = coco([cell(1)], ('a.tif', 'b.tif', 'c.tif'))
    content['images'][2]['id'] = 2
    write_folder(tmp_path, content)
    with pytest.raises(BadDataError) as caught:
        build_dataset(tmp_path)
    assert f'{tmp_path}/ann.json: 1 image id(s) occur more than once: 2;' in (
        str(caught.value)
    )
