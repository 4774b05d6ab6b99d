import hashlib
import json
import random
import zipfile

import pytest

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.few_shot.split_files import write_seeds, write_splits
from cupre_mm.utils.few_shot.split_recipe import SplitRecipe

NAMES = [f'{i:03}.png' for i in range(97)]
TYPES = ('A172', 'BV2', 'Huh7')
STRATIFIED = {'stratify': 'cell_type', 'balance': 'instances'}

# Literals: another machine or version must not change them.
PUBLISHED = {
    'test.json': '382eda6dc429ccd4c48afff8511b63e2'
    'a3dc73b786a05386222afe2e4f749eb3',
    'train_100.json': '45df1fe40fc7a03ae0a8892b7d98d508'
    'ade68790afae4807776b4edf8656c155',
    'train_20.json': 'c7bc2917f3ec00b45f6d9947f809c691'
    '57963520ac4c6034e0393746a4b24242',
}


def _coco(names, **keys):
    return {
        'images': [
            {'id': i + 1, 'file_name': name, 'width': 8, 'height': 8}
            | {key: values[i % len(values)] for key, values in keys.items()}
            for i, name in enumerate(names)
        ],
        'annotations': [
            {
                'id': 10 * i + k,
                'image_id': i + 1,
                'category_id': 1,
                'bbox': [0, 0, k, 2],
            }
            for i in range(len(names))
            for k in range(1, 1 + i % 4)
        ],
        'categories': [{'id': 1, 'name': 'cell'}],
    }


@pytest.fixture
def ann(tmp_path):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(_coco(NAMES, cell_type=TYPES)))
    return path


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _digests(folder):
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in _files(folder).items()
    }


def test_files_have_the_published_bytes(tmp_path):
    source = tmp_path / 'tiny.json'
    source.write_text(json.dumps(_coco(NAMES[:10])))
    write_splits(source, tmp_path / 'out', SplitRecipe(fractions=(20, 100)))
    digests = _digests(tmp_path / 'out')
    del digests['manifest.json']
    assert digests == PUBLISHED


def test_stratified_and_balanced_files_keep_their_bytes(ann, tmp_path):
    recipe = SplitRecipe((5, 20), val_fraction=0.1, shots=(7,), **STRATIFIED)
    write_splits(ann, tmp_path / 'out', recipe)
    digests = _digests(tmp_path / 'out')
    del digests['manifest.json']
    assert {name: digest[:16] for name, digest in digests.items()} == {
        'strata.csv': 'b18cd17b6f982379',
        'test.json': 'fe9f0ffa446eee53',
        'train_20.json': '2276af6dbf57c687',
        'train_5.json': 'f8fc1f4719d8db6c',
        'train_7shots.json': 'c010a441e2e44e09',
        'val.json': 'e1de7521092a0ed3',
    }


def test_two_runs_write_the_same_bytes(ann, tmp_path):
    for out in ('one', 'two', 'two'):
        write_splits(ann, tmp_path / out, SplitRecipe(val_fraction=0.1))
    assert _files(tmp_path / 'one') == _files(tmp_path / 'two')


@pytest.mark.parametrize('method', [{}, STRATIFIED])
def test_order_of_images_in_the_file_does_not_matter(ann, tmp_path, method):
    coco = json.loads(ann.read_text())
    random.Random(0).shuffle(coco['images'])
    random.Random(1).shuffle(coco['annotations'])
    shuffled = tmp_path / 'shuffled.json'
    shuffled.write_text(json.dumps(coco))
    recipe = SplitRecipe(**method)
    one = write_splits(ann, tmp_path / 'one', recipe)
    two = write_splits(shuffled, tmp_path / 'two', recipe)
    for name, split in one['splits'].items():
        assert split['file_names'] == two['splits'][name]['file_names']


@pytest.mark.parametrize('method', [{}, STRATIFIED])
def test_splits_hold_their_images_annotations_and_ids(ann, tmp_path, method):
    out = tmp_path / 'out'
    manifest = write_splits(ann, out, SplitRecipe(**method))
    assert json.loads((out / 'manifest.json').read_text()) == manifest
    whole = json.loads(ann.read_text())
    digest = hashlib.sha256(ann.read_bytes()).hexdigest()
    assert manifest['source'] == {
        'file': 'instances.json',
        'sha256': digest,
        'images': 97,
        'annotations': len(whole['annotations']),
    }
    for split in manifest['splits'].values():
        content = (out / split['file']).read_bytes()
        assert split['sha256'] == hashlib.sha256(content).hexdigest()
        coco = json.loads(content)
        ids = {image['id'] for image in coco['images']}
        assert coco['images'] == [
            img
            for img in whole['images']
            if img['file_name'] in split['file_names']
        ]
        assert coco['annotations'] == [
            a for a in whole['annotations'] if a['image_id'] in ids
        ]
        assert split['images'] == len(ids)
        assert split['annotations'] == len(coco['annotations'])
    assert str(tmp_path) not in (out / 'manifest.json').read_text()


def test_the_manifest_counts_each_stratum_of_each_split(ann, tmp_path):
    recipe = SplitRecipe(val_fraction=0.1, **STRATIFIED)
    manifest = write_splits(ann, tmp_path / 'out', recipe)
    assert manifest['stratify'] == {'kind': 'image key', 'key': 'cell_type'}
    assert manifest['balance'] == 'instances'
    assert manifest['absent_strata'] == {}
    assert {k: v['images'] for k, v in manifest['strata'].items()} == {
        'A172': 33,
        'BV2': 32,
        'Huh7': 32,
    }
    for name, split in manifest['splits'].items():
        content = json.loads((tmp_path / f'out/{name}.json').read_text())
        for stratum in TYPES:
            ids = {
                image['id']
                for image in content['images']
                if image['cell_type'] == stratum
            }
            cells = [a for a in content['annotations'] if a['image_id'] in ids]
            assert split['strata'][stratum] == {
                'images': len(ids),
                'annotations': len(cells),
            }
    splits = manifest['splits']
    assert splits['test']['percent_images'] == round(100 * 19 / 97, 2)
    assert splits['val']['percent_images'] == round(100 * 8 / 78, 2)
    assert splits['train_100']['percent_images'] == 100.0


def test_strata_too_small_for_every_part_are_named(ann, tmp_path):
    coco = json.loads(ann.read_text())
    coco['images'][5]['cell_type'] = 'rare'
    ann.write_text(json.dumps(coco))
    recipe = SplitRecipe(stratify='cell_type', val_fraction=0.1)
    absent = write_splits(ann, tmp_path / 'out', recipe)['absent_strata']
    assert absent == {'test': ['rare'], 'val': ['rare']}


def test_strata_are_written_as_the_table_that_repeats_them(ann, tmp_path):
    first = write_splits(ann, tmp_path / 'one', SplitRecipe(**STRATIFIED))
    table = tmp_path / 'one/strata.csv'
    assert table.read_text().startswith('file_name,stratum\n000.png,A172\n')
    recipe = SplitRecipe(stratify=str(table), balance='instances')
    again = write_splits(ann, tmp_path / 'two', recipe)
    assert again['splits'] == first['splits']
    assert again['stratify']['file'] == 'strata.csv'


def test_groups_are_counted(ann, tmp_path):
    coco = _coco(NAMES, scene=[f's{i // 4}' for i in range(97)])
    ann.write_text(json.dumps(coco))
    manifest = write_splits(
        ann, tmp_path / 'out', SplitRecipe(group='scene', fractions=(100,))
    )
    groups = {k: v['groups'] for k, v in manifest['splits'].items()}
    assert sum(groups.values()) == 25
    assert manifest['group'] == {'kind': 'image key', 'key': 'scene'}


def test_seeds_go_into_folders_with_one_test_part(ann, tmp_path):
    recipe = SplitRecipe((10, 100), shots=(5,), val_fraction=0.1)
    manifests = write_seeds(ann, tmp_path / 'out', recipe, [0, 3])
    zero, three = (_files(tmp_path / 'out' / f'seed{n}') for n in (0, 3))
    for name in ('test.json', 'val.json', 'train_100.json'):
        assert zero[name] == three[name]
    for name in ('train_10.json', 'train_5shots.json'):
        assert zero[name] != three[name]
    assert [m['seed'] for m in manifests.values()] == [0, 3]
    write_splits(ann, tmp_path / 'alone', SplitRecipe(
        (10, 100), seed=3, shots=(5,), val_fraction=0.1))  # fmt: skip
    assert _files(tmp_path / 'alone') == three


def test_no_seed_is_written_where_one_cannot_be(ann, tmp_path):
    (tmp_path / 'seed1').mkdir()
    (tmp_path / 'seed1/train_2shots_per_stratum.json').write_text('{}')
    with pytest.raises(BadDataError, match=r'seed1 holds train_2shots_per_'):
        write_seeds(ann, tmp_path, SplitRecipe(), [0, 1])
    assert not (tmp_path / 'seed0').exists()


def test_a_repeated_seed_is_refused(ann, tmp_path):
    with pytest.raises(BadConfigError, match=r'seeds \[1, 1\] .* repeat'):
        write_seeds(ann, tmp_path, SplitRecipe(), [1, 1])


def test_splits_of_another_run_are_not_mixed_in(ann, tmp_path):
    write_splits(ann, tmp_path / 'out', SplitRecipe(**STRATIFIED))
    with pytest.raises(
        BadDataError, match=r'holds strata\.csv, test\.json, train_20\.jso'
    ):
        write_splits(
            ann,
            tmp_path / 'out',
            SplitRecipe(fractions=(5, 10, 50, 100), test_fraction=0),
        )


def test_the_source_is_never_overwritten(tmp_path):
    source = tmp_path / 'test.json'
    source.write_text(json.dumps(_coco(NAMES)))
    with pytest.raises(BadDataError, match='would be overwritten'):
        write_splits(source, tmp_path, SplitRecipe())
    assert json.loads(source.read_text()) == _coco(NAMES)


def test_an_interrupted_run_leaves_no_manifest(ann, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    write_splits(ann, out, SplitRecipe())

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        'cupre_mm.utils.few_shot.split_files._write_split', stop
    )
    with pytest.raises(KeyboardInterrupt):
        write_splits(ann, out, SplitRecipe())
    assert not (out / 'manifest.json').exists()


def test_published_splits_of_bbbc038_keep_their_images(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        names = sorted(
            name.rsplit('/', 1)[-1]
            for name in archive.namelist()
            if '/images/' in name and name.endswith('.png')
        )
    source = tmp_path / 'instances.json'
    source.write_text(json.dumps(_coco(names)))
    splits = write_splits(source, tmp_path / 'out', SplitRecipe())['splits']
    digests = {
        name: hashlib.sha256(
            ' '.join(splits[name]['file_names']).encode()
        ).hexdigest()[:16]
        for name in ('train_5', 'test')
    }
    assert digests == {
        'train_5': '56ef535792799fb4',
        'test': '21109931c59b9561',
    }
