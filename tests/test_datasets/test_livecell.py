from collections import Counter
from pathlib import Path

import pytest
from mmdet.utils import register_all_modules

from cupre_mm.datasets import LIVECellDataset
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.livecell.cell_types import CELL_TYPES
from cupre_mm.utils.livecell.conversion import (
    LivecellOptions,
    convert_livecell,
)
from tests.livecell_set import LivecellSet, write_livecell_set


@pytest.fixture(scope='module')
def source(tmp_path_factory: pytest.TempPathFactory) -> LivecellSet:
    register_all_modules(init_default_scope=True)
    return write_livecell_set(
        tmp_path_factory.mktemp('livecell'), per_type=2, official=()
    )


@pytest.fixture
def build(source: LivecellSet, tmp_path: Path):
    """Convert and load."""

    def build(
        part: str = 'train', converted_by_type: bool = False, **kwargs
    ) -> LIVECellDataset:
        options = LivecellOptions(by_cell_type=converted_by_type)
        convert_livecell([source.root], tmp_path / 'livecell', options)
        return LIVECellDataset(
            ann_file=f'annotations/livecell_coco_{part}.json',
            data_root=str(tmp_path / 'livecell'),
            data_prefix=dict(img='images/'),
            pipeline=[dict(type='cupre_mm.LoadCellImage')],
            **kwargs,
        )

    return build


def test_converted_images_load_with_their_cells_as_one_class(source, build):
    dataset = build()
    assert dataset.metainfo['classes'] == ('cell',)
    assert len(dataset) == len(source.names['train']) == 16
    for sample in dataset:
        name = Path(sample['img_path']).name
        assert sample['img'].shape == (52, 70, 3)
        assert [i['mask'] for i in sample['instances']] == [
            [polygon] for polygon in source.polygons[name]
        ]
        left, top, right, bottom = sample['instances'][0]['bbox']
        assert (right - left, bottom - top) == (8.25, 6)
        assert {i['bbox_label'] for i in sample['instances']} == {0}


def test_by_cell_type_the_label_is_that_of_the_file_name(source, build):
    dataset = build(converted_by_type=True, by_cell_type=True)
    assert dataset.metainfo['classes'] == CELL_TYPES
    assert len(dataset.metainfo['palette']) == 8
    found = Counter()
    for number in range(len(dataset)):
        info = dataset.get_data_info(number)
        kind = Path(info['img_path']).name.split('_')[0]
        for instance in info['instances']:
            found[kind, CELL_TYPES[instance['bbox_label']]] += 1
    assert {kind for kind, _ in found} == set(CELL_TYPES)
    assert all(kind == label for kind, label in found)


def test_metainfo_of_the_user_goes_first(build):
    dataset = build(
        converted_by_type=True,
        by_cell_type=True,
        metainfo=dict(classes=('BV2', 'SKOV3')),
    )
    assert dataset.metainfo['classes'] == ('BV2', 'SKOV3')


def test_classes_that_the_file_was_not_converted_to_are_refused(build):
    with pytest.raises(BadConfigError, match='none of the class names'):
        build(by_cell_type=True)


def test_missing_data_names_the_converter(tmp_path: Path):
    with pytest.raises(
        MissingDataError, match=r'dataset_converters/livecell.py SRC'
    ):
        LIVECellDataset(
            ann_file='annotations/livecell_coco_train.json',
            data_root=str(tmp_path),
            data_prefix=dict(img='images/'),
            pipeline=[],
        )


def test_official_files_keyed_by_id_load_as_they_are(
    source: LivecellSet, tmp_path: Path
):
    register_all_modules(init_default_scope=True)
    single = write_livecell_set(
        tmp_path, per_type=1, nested=False, single=True, official=()
    )
    path = 'annotations/LIVECell_single_cells/bv2/train.json'
    dataset = LIVECellDataset(
        ann_file=path,
        data_root=str(tmp_path),
        data_prefix=dict(img='images/livecell_train_val_images'),
        pipeline=[dict(type='cupre_mm.LoadCellImage')],
    )
    name = next(n for n in single.names['train'] if n.startswith('BV2'))
    assert len(dataset[0]['instances']) == single.cells[name]
