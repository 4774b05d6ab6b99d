import json
import logging
from pathlib import Path

import numpy as np
import pytest
from mmdet.utils import register_all_modules
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS
from PIL import Image
from pycocotools import mask as coco_mask

from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=True)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(
        'cupre_mm.datasets.checked_coco.print_log',
        lambda message, logger, level: (
            lines.append(message) if level == logging.WARNING else None
        ),
    )
    return lines


def _mask() -> np.ndarray:
    mask = np.zeros((32, 48), np.uint8)
    mask[4:20, 6:30] = 1
    mask[4:8, 6:10] = 0
    return mask


def _compressed() -> dict:
    rle = coco_mask.encode(np.asfortranarray(_mask()))
    return dict(size=rle['size'], counts=rle['counts'].decode())


def _uncompressed() -> dict:
    flat = _mask().ravel(order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size])
    return dict(size=[32, 48], counts=runs.tolist())


def _coco(names: tuple[str, ...] = ('nucleus',), **annotation) -> dict:
    annotation = (
        dict(
            id=1,
            image_id=7,
            category_id=1,
            bbox=[6, 4, 24, 16],
            area=int(_mask().sum()),
            iscrowd=0,
            segmentation=_compressed(),
        )
        | annotation
    )
    return dict(
        images=[
            dict(id=7, file_name='a.png', height=32, width=48),
            dict(id=8, file_name='plate/b.png', height=32, width=48),
        ],
        annotations=[annotation],
        categories=[
            dict(id=number + 1, name=name) for number, name in enumerate(names)
        ],
    )


def _write(root: Path, content: dict | str) -> None:
    (root / 'images' / 'plate').mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.arange(32 * 48, dtype=np.uint8).reshape(32, 48))
    image.save(root / 'images' / 'a.png')
    image.save(root / 'images' / 'plate' / 'b.png')
    text = content if isinstance(content, str) else json.dumps(content)
    (root / 'ann.json').write_text(text)


def _build(root: Path, **kwargs) -> BaseDataset:
    config = dict(
        type='cupre_mm.BBBC038Dataset',
        data_root=str(root),
        ann_file='ann.json',
        data_prefix=dict(img='images/'),
        # Serialising collects garbage for most of a second.
        serialize_data=False,
    )
    return DATASETS.build(config | kwargs)


@pytest.mark.parametrize('encode', [_compressed, _uncompressed])
def test_rle_masks_come_back_through_mmdets_loading(tmp_path: Path, encode):
    _write(tmp_path, _coco(segmentation=encode()))
    pipeline = [
        dict(type='cupre_mm.LoadCellImage'),
        dict(type='cupre_mm.PercentileNormalize'),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    ]
    sample = _build(tmp_path, pipeline=pipeline)[0]
    np.testing.assert_array_equal(sample['gt_masks'].masks[0], _mask())
    assert sample['gt_ignore_flags'].tolist() == [False]
    assert sample['gt_bboxes_labels'].tolist() == [0]


def test_all_images_are_kept_in_test_mode(tmp_path: Path):
    _write(tmp_path, _coco())
    dataset = _build(tmp_path, test_mode=True)
    assert len(dataset) == 2
    assert dataset[1]['instances'] == []
    filtered = _build(tmp_path, filter_cfg=dict(filter_empty_gt=True))
    assert len(filtered) == 1


@pytest.mark.parametrize(
    ('kind', 'command'),
    [
        ('BBBC038Dataset', 'tools/dataset_converters/bbbc038.py'),
        ('LIVECellDataset', 'data/README.md'),
        ('CheckedCocoDataset', 'data/README.md'),
    ],
)
def test_missing_annotation_file_says_how_to_make_it(
    tmp_path: Path, kind: str, command: str
):
    with pytest.raises(MissingDataError) as caught:
        _build(tmp_path, type=f'cupre_mm.{kind}')
    assert str(tmp_path / 'ann.json') in str(caught.value)
    assert command in str(caught.value)


def test_how_to_get_can_be_given(tmp_path: Path):
    with pytest.raises(MissingDataError, match='make_demo_data'):
        _build(tmp_path, how_to_get='Run tools/make_demo_data.py')


def test_missing_image_folder(tmp_path: Path):
    _write(tmp_path, _coco())
    with pytest.raises(MissingDataError, match=r'image folder .*pictures'):
        _build(tmp_path, data_prefix=dict(img='pictures/'))


def test_prefix_without_image_folder(tmp_path: Path):
    _write(tmp_path, _coco())
    with pytest.raises(BadConfigError, match='data_prefix'):
        _build(tmp_path, data_prefix=dict(img_path='images/'))


def test_images_absent_on_disk_are_named(tmp_path: Path):
    coco = _coco()
    coco['images'] += [
        dict(id=9, file_name='gone.png', height=32, width=48),
        dict(id=10, file_name='no_folder/c.png', height=32, width=48),
    ]
    _write(tmp_path, coco)
    with pytest.raises(MissingDataError, match='2 of the 4') as caught:
        _build(tmp_path)
    assert 'gone.png' in str(caught.value)
    assert 'no_folder/c.png' in str(caught.value)


@pytest.mark.parametrize(
    'content', ['{"images": [', '[1, 2]', '{"images": []}', '<html></html>']
)
def test_file_that_is_not_coco_json(tmp_path: Path, content: str):
    _write(tmp_path, content)
    with pytest.raises(BadDataError, match=r'ann\.json'):
        _build(tmp_path)


@pytest.mark.parametrize(
    ('part', 'key'), [('images', 'height'), ('annotations', 'bbox')]
)
def test_entry_without_a_needed_key(tmp_path: Path, part: str, key: str):
    coco = _coco()
    del coco[part][0][key]
    _write(tmp_path, coco)
    with pytest.raises(BadDataError, match=f"{part} have no '{key}'"):
        _build(tmp_path)


def test_class_names_that_match_nothing(tmp_path: Path):
    _write(tmp_path, _coco(names=('cell', 'debris')))
    with pytest.raises(BadConfigError) as caught:
        _build(tmp_path)
    message = str(caught.value)
    assert "['nucleus']" in message
    assert "['cell', 'debris']" in message
    assert str(tmp_path / 'ann.json') in message


def test_some_classes_missing_is_a_warning(tmp_path: Path, logged: list[str]):
    _write(tmp_path, _coco())
    classes = ('nucleus', 'cell')
    dataset = _build(tmp_path, metainfo=dict(classes=classes))
    assert len(dataset) == 2
    assert len(logged) == 1
    assert "has no category ['cell']" in logged[0]


def test_other_order_of_classes_is_a_warning(
    tmp_path: Path, logged: list[str]
):
    _write(tmp_path, _coco(names=('cell', 'nucleus')))
    _build(tmp_path, metainfo=dict(classes=('nucleus', 'cell')))
    assert "as ['cell', 'nucleus']" in logged[0]


def test_annotations_of_other_categories_are_counted(
    tmp_path: Path, logged: list[str]
):
    _write(tmp_path, _coco(names=('nucleus', 'debris'), category_id=2))
    _build(tmp_path)
    assert '1 of its 1 annotations' in logged[0]
    assert "{'debris': 1}" in logged[0]


def test_good_data_warns_of_nothing(tmp_path: Path, logged: list[str]):
    _write(tmp_path, _coco())
    _build(tmp_path)
    assert logged == []


def test_masks_are_those_that_pycocotools_decodes(tmp_path: Path):
    random = np.random.default_rng(0)
    coco = _coco()
    coco['annotations'] = []
    for number in range(6):
        mask = np.zeros((32, 48), np.uint8)
        top, left = random.integers(0, (20, 36))
        mask[top : top + 12, left : left + 12] = random.random((12, 12)) < 0.6
        rle = coco_mask.encode(np.asfortranarray(mask))
        coco['annotations'].append(
            dict(
                id=number + 1,
                image_id=8,
                category_id=1,
                bbox=coco_mask.toBbox(rle).tolist(),
                area=int(coco_mask.area(rle)),
                iscrowd=0,
                segmentation=dict(rle, counts=rle['counts'].decode()),
            )
        )
    _write(tmp_path, coco)
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    ]
    sample = _build(tmp_path, pipeline=pipeline)[1]
    expected = [
        coco_mask.decode(annotation['segmentation'])
        for annotation in coco['annotations']
    ]
    np.testing.assert_array_equal(sample['gt_masks'].masks, expected)
    assert sample['gt_bboxes_labels'].tolist() == [0] * 6


def test_annotations_of_unknown_images_are_refused(tmp_path: Path):
    _write(tmp_path, _coco(image_id=99))
    with pytest.raises(BadDataError, match=r'ann\.json.*image_id.*99'):
        _build(tmp_path)


def test_missing_images_come_with_the_command_that_makes_them(tmp_path: Path):
    _write(tmp_path, _coco())
    (tmp_path / 'images/a.png').unlink()
    with pytest.raises(MissingDataError, match=r'a\.png.*bbbc038\.py SRC'):
        _build(tmp_path)
    with pytest.raises(MissingDataError, match=r'image folder.*bbbc038\.py'):
        _build(tmp_path, data_prefix=dict(img='none/'))


def test_checks_and_warnings_are_the_same_on_a_cache_hit(
    tmp_path: Path, logged: list[str]
):
    coco = _coco(names=('nucleus', 'debris'))
    coco['annotations'] += [
        dict(coco['annotations'][0], id=2, category_id=2),
        dict(coco['annotations'][0], id=3, bbox=[60, 4, 3, 3]),
    ]
    _write(tmp_path, coco)
    _build(tmp_path, cache=True)
    assert (tmp_path / '.cupre_cache').is_dir()
    first = list(logged)
    assert len(first) == 2
    _build(tmp_path, cache=True)
    assert logged == first * 2
    with pytest.raises(BadConfigError, match="which has \\['nucleus'"):
        _build(tmp_path, cache=True, metainfo=dict(classes=('cell',)))
    (tmp_path / 'images/a.png').unlink()
    with pytest.raises(MissingDataError, match=r'a\.png'):
        _build(tmp_path, cache=True)


def test_a_text_as_classes_is_refused(tmp_path: Path):
    _write(tmp_path, _coco())
    with pytest.raises(BadConfigError, match=r"classes=\('nucleus',\)"):
        _build(tmp_path, metainfo=dict(classes='nucleus'))


@pytest.mark.parametrize('backend', [dict(backend='local'), None])
def test_local_backends_check_images(tmp_path: Path, backend: dict | None):
    _write(tmp_path, _coco())
    assert len(_build(tmp_path, backend_args=backend)) == 2
    (tmp_path / 'images/a.png').unlink()
    with pytest.raises(MissingDataError, match=r'a\.png'):
        _build(tmp_path, backend_args=backend)


def test_unknown_backend_is_named(tmp_path: Path):
    with pytest.raises(BadConfigError, match="'backend': 'tape'"):
        _build(tmp_path, backend_args=dict(backend='tape'))
