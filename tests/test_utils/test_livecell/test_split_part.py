import json

import pytest

from cupre_mm.utils.coco_json import read_coco, write_json
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.livecell.cell_types import CELL_TYPES, cell_type_of
from cupre_mm.utils.livecell.split_part import (
    Split,
    check_folder,
    choose_splits,
    recipe,
    write_splits,
)

CELLS = {
    f'{kind}_Phase_A7_1_{number:02d}d00h00m_1.tif': 1 + number % 3
    for kind in CELL_TYPES
    for number in range(10)
}
NAMES = sorted(CELLS)


def test_without_official_files_all_splits_are_ours_nested_and_stratified():
    splits = choose_splits(CELLS, {})
    assert list(splits) == [f'train_{p}' for p in (5, 10, 20, 50, 100)]
    assert not any(split.official for split in splits.values())
    inner = set()
    for split in splits.values():
        assert inner <= set(split.file_names)
        inner = set(split.file_names)
    assert inner == set(NAMES)
    types = [cell_type_of(name) for name in splits['train_20'].file_names]
    assert {kind: types.count(kind) for kind in CELL_TYPES} == dict.fromkeys(
        CELL_TYPES, 2
    )


def test_official_files_stand_in_for_ours_and_do_not_change_the_others():
    ours = choose_splits(CELLS, {})
    official = {
        2: ('0_train2percent.json', NAMES[:2]),
        50: ('4_train50percent.json', [*NAMES[:9], 'A172_elsewhere.tif']),
    }
    splits = choose_splits(CELLS, official)
    assert list(splits) == [f'train_{p}' for p in (2, 5, 10, 20, 50, 100)]
    assert splits['train_2'] == Split(tuple(NAMES[:2]), '0_train2percent.json')
    assert splits['train_50'].file_names == tuple(NAMES[:9])
    assert splits['train_50'].not_in_training == ('A172_elsewhere.tif',)
    for name in ('train_5', 'train_10', 'train_20', 'train_100'):
        assert splits[name] == ours[name]


def test_an_official_file_without_training_images_is_not_used():
    splits = choose_splits(CELLS, {5: ('2_train5percent.json', ['x.tif'])})
    assert splits == choose_splits(CELLS, {})


def test_seeds_give_other_images():
    one, two = (choose_splits(CELLS, {}, (10,), seed) for seed in (0, 1))
    assert one['train_10'] != two['train_10']


def test_fractions_are_checked():
    with pytest.raises(BadConfigError, match='fraction 0 is not in'):
        recipe((0,), 0)


def test_splits_of_another_run_are_refused(tmp_path):
    for name in ('train_2', 'train_5', 'train_100', 'manifest'):
        (tmp_path / f'{name}.json').write_text('{}')
    check_folder(tmp_path, ['train_2', 'train_5', 'train_100'])
    check_folder(tmp_path / 'new', [])
    with pytest.raises(BadDataError, match=r'holds train_2\.json of another'):
        check_folder(tmp_path, ['train_5', 'train_100'])


def test_splits_are_written_with_their_cells_and_a_manifest(tmp_path):
    images = [
        {'id': n, 'file_name': name, 'height': 9, 'width': 9}
        for n, name in enumerate(NAMES, 1)
    ]
    annotations = [
        {'image_id': image['id'], 'category_id': 1, 'area': 2.5}
        for image in images
        for _ in range(CELLS[image['file_name']])
    ]
    for number, annotation in enumerate(annotations, 1):
        annotation['id'] = number
    rest = {'categories': [{'id': 1, 'name': 'cell'}], 'info': {'a': 'b'}}
    path = tmp_path / 'livecell_coco_train.json'
    content = {**rest, 'images': images, 'annotations': annotations}
    digest = write_json(path, content)
    splits = {
        'train_5': Split(tuple(NAMES[2:6]), '2_train5percent.json', ('x',)),
        'train_100': Split(tuple(NAMES)),
    }
    folder = tmp_path / 'seed3'
    manifest = write_splits(
        path,
        {'sha256': digest, 'cells': CELLS},
        {**rest, 'images': images},
        splits,
        folder,
        3,
    )
    part, part_digest = read_coco(folder / 'train_5.json')
    assert part['images'] == images[2:6]
    assert part['annotations'] == [
        a for a in annotations if 3 <= a['image_id'] <= 6
    ]
    assert part['info'] == rest['info']
    assert (folder / 'train_100.json').read_bytes() == path.read_bytes()
    assert json.loads((folder / 'manifest.json').read_text()) == manifest
    assert manifest['seed'] == 3
    assert manifest['source']['sha256'] == digest
    five = manifest['splits']['train_5']
    assert five['sha256'] == part_digest
    assert five['official'] is True
    assert five['official_file'] == '2_train5percent.json'
    assert five['not_in_training'] == ['x']
    assert five['file_names'] == NAMES[2:6]
    assert five['strata']['A172'] == {
        'images': 4,
        'annotations': len(part['annotations']),
    }
    assert manifest['splits']['train_100']['official'] is False
