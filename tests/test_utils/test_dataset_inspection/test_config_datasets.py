from pathlib import Path

import pytest
from mmengine.config import Config

from cupre_mm.utils.dataset_inspection.config_datasets import (
    annotations_and_images,
    dataset_configs,
    images_beside,
    is_unlabelled,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError

COCO = dict(
    type='CocoDataset',
    data_root='data/x',
    ann_file='annotations/train.json',
    data_prefix=dict(img='images/'),
)
CELLS = dict(type='cupre_mm.CellImages', sources=[])


def config(**loaders) -> Config:
    return Config(loaders, cfg_text='none', filename='my.py')


def test_wrapped_data_set_is_found():
    wrapped = dict(type='RepeatDataset', times=3, dataset=COCO)
    found = dataset_configs(
        config(train_dataloader=dict(dataset=wrapped)), 'train'
    )
    assert found == {'train': COCO}
    assert annotations_and_images(found['train']) == (
        'data/x/annotations/train.json',
        'data/x/images/',
    )


def test_train_of_a_pretraining_config_is_both_tasks():
    dual = dict(moco=dict(dataset=CELLS), det=dict(dataset=COCO))
    found = dataset_configs(config(train_dataloader=dual), 'train')
    assert {name: is_unlabelled(one) for name, one in found.items()} == {
        'moco': True,
        'det': False,
    }
    assert list(dataset_configs(config(train_dataloader=dual), 'det')) == [
        'det'
    ]


def test_task_that_a_baseline_leaves_out_is_left_out():
    dual = dict(moco=None, det=dict(dataset=COCO))
    found = dataset_configs(config(train_dataloader=dual), 'train')
    assert list(found) == ['det']


def test_absent_loader_is_said_with_those_there():
    one = config(train_dataloader=dict(dataset=COCO), val_dataloader=None)
    with pytest.raises(BadConfigError, match='has no val data loader; it has'):
        dataset_configs(one, 'val')


def test_data_set_without_annotations_is_said():
    with pytest.raises(BadConfigError, match='ann_file'):
        annotations_and_images(dict(type='Other'))


def test_images_are_looked_for_beside_the_json_and_above(tmp_path):
    split = tmp_path / 'annotations' / 'seed0' / 'train_5.json'
    with pytest.raises(MissingDataError, match='--images'):
        images_beside(split)
    (tmp_path / 'images').mkdir()
    assert images_beside(split) == Path(tmp_path / 'images').resolve()
