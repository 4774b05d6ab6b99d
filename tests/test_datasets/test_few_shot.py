import hashlib
import json
import random
from fractions import Fraction
from itertools import pairwise

import pytest

from cupre_mm.datasets.few_shot import (
    SplitRecipe,
    image_order,
    share,
    split_file_names,
    split_name,
    write_splits,
)
from cupre_mm.utils.errors import BadConfigError, BadDataError

NAMES = [f'{i:03}.png' for i in range(97)]

# Literals: another machine, Python or seed handling must not change them.
ORDER_0 = ['c.png', 'b.png', 'd.png', 'a.png']
ORDER_1 = ['b.png', 'd.png', 'a.png', 'c.png']
PUBLISHED = {
    'manifest.json': '3971bc687c2b4b76f6dffefd6eea3130'
    'edb4a0b4db51549b3a2bf194db1452d5',
    'test.json': '382eda6dc429ccd4c48afff8511b63e2'
    'a3dc73b786a05386222afe2e4f749eb3',
    'train_100.json': '45df1fe40fc7a03ae0a8892b7d98d508'
    'ade68790afae4807776b4edf8656c155',
    'train_20.json': 'c7bc2917f3ec00b45f6d9947f809c691'
    '57963520ac4c6034e0393746a4b24242',
}


def _coco(names):
    return {
        'images': [
            {'id': i + 1, 'file_name': name, 'width': 8, 'height': 8}
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
    path.write_text(json.dumps(_coco(NAMES)))
    return path


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_order_is_the_one_published():
    names = ['a.png', 'b.png', 'c.png', 'd.png']
    assert image_order(names, 0) == ORDER_0
    assert image_order(names, 1) == ORDER_1
    assert image_order(reversed(names), 0) == ORDER_0


def test_smaller_splits_lie_within_larger_ones():
    splits = split_file_names(NAMES, SplitRecipe(fractions=(50, 5, 100, 10)))
    train = ['train_5', 'train_10', 'train_50', 'train_100']
    assert list(splits) == [*train, 'test']
    for small, large in pairwise(train):
        assert set(splits[small]) < set(splits[large])


def test_parts_are_disjoint_and_complete():
    recipe = SplitRecipe(test_fraction=0.2, val_fraction=0.1)
    splits = split_file_names(NAMES, recipe)
    parts = splits['train_100'] + splits['val'] + splits['test']
    assert sorted(parts) == NAMES
    assert [len(splits[k]) for k in ('train_100', 'val', 'test')] == [
        70,
        8,
        19,
    ]


def test_a_validation_part_changes_neither_test_nor_order():
    plain = split_file_names(NAMES, SplitRecipe())
    tuned = split_file_names(NAMES, SplitRecipe(val_fraction=0.25))
    assert plain['test'] == tuned['test']
    count = len(tuned['train_100'])
    assert plain['train_100'][:count] == tuned['train_100']


def test_no_test_part_when_its_share_is_zero():
    splits = split_file_names(NAMES, SplitRecipe(test_fraction=0))
    assert 'test' not in splits
    assert sorted(splits['train_100']) == NAMES


def test_another_seed_gives_other_splits():
    first = split_file_names(NAMES, SplitRecipe(seed=0))
    second = split_file_names(NAMES, SplitRecipe(seed=1))
    assert set(first['test']) != set(second['test'])


@pytest.mark.parametrize(
    ('total', 'part', 'count'),
    [
        (10, Fraction(1, 20), 1),  # 0.5 up
        (10, Fraction(1, 4), 3),  # 2.5 up, where Python's round says 2
        (10, Fraction(6, 25), 2),  # 2.4 down
        (3, Fraction(1, 100), 1),  # at least one
        (7, Fraction(1), 7),
    ],
)
def test_counts_round_half_up_and_are_at_least_one(total, part, count):
    assert share(total, part) == count


def test_decimal_fractions_are_exact():
    # 0.29 * 50 is 14.499999999999998 in binary; 29 % of 50 is 14.5.
    splits = split_file_names(NAMES[:50], SplitRecipe(test_fraction=0.29))
    assert len(splits['test']) == 15


@pytest.mark.parametrize(
    ('fraction', 'name'),
    [(5, 'train_5'), (5.0, 'train_5'), (2.5, 'train_2.5'), (100, 'train_100')],
)
def test_split_names(fraction, name):
    assert split_name(fraction) == name


def test_files_have_the_published_bytes(tmp_path):
    source = tmp_path / 'tiny.json'
    source.write_text(json.dumps(_coco(NAMES[:10])))
    write_splits(source, tmp_path / 'out', SplitRecipe(fractions=(20, 100)))
    assert {
        name: hashlib.sha256(content).hexdigest()
        for name, content in _files(tmp_path / 'out').items()
    } == PUBLISHED


def test_two_runs_write_the_same_bytes(ann, tmp_path):
    for out in ('one', 'two', 'two'):
        write_splits(ann, tmp_path / out, SplitRecipe(val_fraction=0.1))
    assert _files(tmp_path / 'one') == _files(tmp_path / 'two')


def test_order_of_images_in_the_file_does_not_matter(ann, tmp_path):
    coco = json.loads(ann.read_text())
    random.Random(0).shuffle(coco['images'])
    shuffled = tmp_path / 'shuffled.json'
    shuffled.write_text(json.dumps(coco))
    one = write_splits(ann, tmp_path / 'one', SplitRecipe())
    two = write_splits(shuffled, tmp_path / 'two', SplitRecipe())
    for name, split in one['splits'].items():
        assert split['file_names'] == two['splits'][name]['file_names']


def test_splits_hold_their_images_annotations_and_ids(ann, tmp_path):
    out = tmp_path / 'out'
    manifest = write_splits(ann, out, SplitRecipe())
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


def test_splits_of_another_run_are_not_mixed_in(ann, tmp_path):
    write_splits(ann, tmp_path / 'out', SplitRecipe())
    with pytest.raises(BadDataError, match=r'holds test\.json, train_20\.jso'):
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

    monkeypatch.setattr('cupre_mm.datasets.few_shot._write_split', stop)
    with pytest.raises(KeyboardInterrupt):
        write_splits(ann, out, SplitRecipe())
    assert not (out / 'manifest.json').exists()


@pytest.mark.parametrize('fraction', [0, -5, 100.5, float('nan')])
def test_fractions_outside_the_range_are_refused(fraction):
    with pytest.raises(BadConfigError, match=r'is not in \(0, 100\]'):
        SplitRecipe(fractions=(5, fraction))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'fractions': ()}, 'fractions is empty'),
        ({'fractions': (5, 5.0)}, 'repeat a value'),
        ({'test_fraction': 20}, 'test_fraction 20 .* write 0.2 for 20 %'),
        ({'test_fraction': 1}, r'is not in \[0, 1\)'),
        ({'val_fraction': -0.1}, 'val_fraction -0.1'),
    ],
)
def test_bad_recipes_are_refused(kwargs, message):
    with pytest.raises(BadConfigError, match=message):
        SplitRecipe(**kwargs)


@pytest.mark.parametrize(
    ('count', 'kwargs'),
    [(1, {}), (2, {'test_fraction': 0.5, 'val_fraction': 0.5})],
)
def test_no_image_left_to_train_on_is_refused(count, kwargs):
    with pytest.raises(BadDataError, match='leave none to train on'):
        split_file_names(NAMES[:count], SplitRecipe(**kwargs))
