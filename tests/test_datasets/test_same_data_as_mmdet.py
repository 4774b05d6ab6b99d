"""CheckedCocoDataset gives, to the bit, what mmdet's CocoDataset gives."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from mmdet.utils import register_all_modules
from mmengine.dataset import BaseDataset
from pycocotools import mask as coco_mask
from torch.utils.data import DataLoader

from tests.coco_folder import build_dataset, cell, coco, write_folder

CLASSES = ('cell', 'debris', 'nucleus')


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=True)


def _rle(height: int, width: int) -> dict:
    mask = np.zeros((height, width), np.uint8, order='F')
    mask[4:20, 6:30] = 1
    rle = coco_mask.encode(mask)
    return dict(size=[height, width], counts=rle['counts'].decode())


def _varied(num_images: int = 7) -> dict:
    """Annotations that mmdet takes, changes and drops, in mixed order."""
    random = np.random.default_rng(1)
    annotations = []
    for number in range(60):
        x, y = random.uniform(-8, 44, 2).round(2).tolist()
        width, height = random.uniform(0.5, 12, 2).round(3).tolist()
        corners = [x, y, x + width, y, x + width, int(y + height)]
        masks = [[corners], [corners, corners], None, [[1, 2]]]
        annotations.append(
            dict(
                id=100 - number,
                image_id=int(random.integers(num_images - 2)) + 7,
                category_id=int(random.integers(1, 4)),
                bbox=[x, y, width, height],
                area=float(number % 9),
                iscrowd=number % 5 == 0,
                ignore=number % 7 == 0,
                segmentation=masks[number % 4],
            )
        )
    images = [
        dict(id=n + 7, file_name=f'{n}.png', height=32 + n % 2, width=48 - n)
        for n in range(num_images)
    ]
    for annotation in annotations:
        if annotation['segmentation'] is None:
            image = images[annotation['image_id'] - 7]
            annotation['segmentation'] = _rle(image['height'], image['width'])
    return dict(
        images=images,
        annotations=annotations,
        categories=[
            dict(id=n + 1, name=name) for n, name in enumerate(CLASSES)
        ],
    )


def _exact(value):
    if isinstance(value, (list, tuple)):
        return [_exact(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _exact(inner) for key, inner in value.items()}
    return value.hex() if isinstance(value, float) else repr(value)


def _infos(dataset: BaseDataset) -> list:
    return [_exact(dataset.get_data_info(i)) for i in range(len(dataset))]


def _open(root: Path, **settings) -> BaseDataset:
    return build_dataset(root, pipeline=[], **settings)


SETTINGS = {
    'all classes': dict(metainfo=dict(classes=tuple(reversed(CLASSES)))),
    'one class, images without one left out': dict(
        filter_cfg=dict(filter_empty_gt=True)
    ),
    'small images left out': dict(filter_cfg=dict(min_size=33)),
    'test': dict(
        test_mode=True, filter_cfg=dict(filter_empty_gt=True, min_size=40)
    ),
    'first images': dict(indices=3),
    'some images': dict(indices=[4, 0, 2]),
    'class names for language models': dict(return_classes=True),
    'segmentation maps': dict(
        data_prefix=dict(img='images/', seg='maps/'), seg_map_suffix='.tif'
    ),
}


@pytest.fixture(params=['in memory', 'from the cache'])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> bool | str:
    return request.param == 'from the cache' and str(tmp_path / 'cache')


@pytest.fixture
def varied(tmp_path: Path) -> Path:
    write_folder(tmp_path, _varied())
    return tmp_path


@pytest.mark.parametrize('serialize', [True, False])
@pytest.mark.parametrize('name', SETTINGS)
def test_data_is_that_of_mmdets_own_data_set(
    varied: Path, cache: bool | str, name: str, serialize: bool, monkeypatch
):
    # Collecting garbage takes most of a second.
    monkeypatch.setattr('gc.collect', lambda: None)
    settings = dict(metainfo=dict(classes=('cell',)), serialize_data=serialize)
    settings |= SETTINGS[name]
    expected = _open(varied, type='CocoDataset', **settings)
    dataset = _open(varied, **settings, cache=cache)
    assert len(dataset) == len(expected) > 0
    assert _infos(dataset) == _infos(expected)
    assert _exact(dataset[-1]) == _exact(expected[-1])
    assert dataset.cat_ids == expected.cat_ids
    assert dataset.cat2label == expected.cat2label
    for index in range(len(expected)):
        assert dataset.get_cat_ids(index) == expected.get_cat_ids(index)
    for part in (2, -2, [1, 0]):
        assert _infos(dataset.get_subset(part)) == _infos(
            expected.get_subset(part)
        )
    dataset.get_subset_([1])
    expected.get_subset_([1])
    assert _infos(dataset) == _infos(expected)


def test_copies_and_pickled_data_sets_give_the_same(
    varied: Path, cache: bool | str
):
    dataset = _open(varied, serialize_data=True, cache=cache)
    expected = _infos(dataset)
    assert _infos(copy.deepcopy(dataset)) == expected
    content = pickle.dumps(dataset)
    assert _infos(pickle.loads(content)) == expected


def test_lazily_opened_data_set_and_its_workers(varied: Path, cache):
    dataset = _open(varied, lazy_init=True, serialize_data=True, cache=cache)
    dataset.full_init()
    loader = DataLoader(
        dataset, batch_size=2, num_workers=1, collate_fn=lambda batch: batch
    )
    loaded = [_exact(sample) for batch in loader for sample in batch]
    assert loaded == _infos(dataset)


def test_changed_entries_do_not_reach_the_data(varied: Path, cache):
    dataset = _open(varied, serialize_data=True, cache=cache)
    before = _infos(dataset)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        for instance in info['instances']:
            instance['bbox'][0] = 1e9
            instance.pop('mask')
    assert _infos(dataset) == before


@pytest.mark.parametrize('serialize', [True, False])
def test_proposals_are_kept(tmp_path: Path, cache, serialize: bool):
    write_folder(tmp_path, coco([cell(1)], ('a.png', 'b.png')))
    names = ('images/a.png', 'images/b.png')
    proposals = {name: [n] for n, name in enumerate(names)}
    (tmp_path / 'proposals.json').write_text(json.dumps(proposals))
    dataset = _open(
        tmp_path,
        proposal_file='proposals.json',
        serialize_data=serialize,
        cache=cache,
    )
    assert [dataset[i]['proposals'] for i in (0, 1)] == [[0], [1]]
    assert len(dataset[0]['instances']) == 1


def test_one_cache_serves_all_settings(varied: Path):
    for classes in (('cell',), ('debris', 'nucleus')):
        dataset = _open(varied, metainfo=dict(classes=classes), cache=True)
        labels = {
            n for i in range(len(dataset)) for n in dataset.get_cat_ids(i)
        }
        assert labels == set(range(len(classes)))
    assert len(list((varied / '.cupre_cache').glob('*.packed'))) == 1
