import json

import pytest

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_source import (
    coco_items,
    read_annotations,
)

IDS = {1: 1}


def _coco(*names, **keys):
    return {
        'images': [
            {'id': place, 'file_name': name}
            for place, name in enumerate(names, 1)
        ],
        'annotations': [],
        'categories': [{'id': 1, 'name': 'cell'}],
        **keys,
    }


@pytest.fixture
def tree(tmp_path):
    def tree(*files):
        for file in files:
            path = tmp_path / 'src' / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
        return open_source(tmp_path / 'src')

    return tree


def _write(tmp_path, content, name='src/a.json'):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        content if isinstance(content, str) else json.dumps(content)
    )
    return path


def test_the_only_json_of_the_source_is_taken(tmp_path, tree):
    _write(tmp_path, _coco('x.png'))
    with tree('x.png') as source:
        assert read_annotations(source, None) == _coco('x.png')


def test_of_several_jsons_one_has_to_be_named(tmp_path, tree):
    _write(tmp_path, _coco('x.png'))
    _write(tmp_path, _coco('y.png'), 'src/b.json')
    outside = _write(tmp_path, _coco('z.png'), 'c.json')
    with tree('x.png') as source:
        with pytest.raises(BadDataError, match=r'2 json files: a.json, b.js'):
            read_annotations(source, None)
        named = read_annotations(source, 'b.json')
        elsewhere = read_annotations(source, str(outside))
        with pytest.raises(BadDataError, match=r'd\.json is neither in'):
            read_annotations(source, 'd.json')
    assert named['images'][0]['file_name'] == 'y.png'
    assert elsewhere['images'][0]['file_name'] == 'z.png'


def test_entries_keyed_by_id_become_lists(tmp_path, tree):
    entry = {'id': '7', 'image_id': 1}
    _write(tmp_path, _coco('x.png', annotations={'7': entry}))
    with tree('x.png') as source:
        assert read_annotations(source, None)['annotations'] == [entry]


def _twice(key):
    coco = _coco('x.png', 'y.png')
    coco['images'][1][key] = coco['images'][0][key]
    return coco


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"images": [', r'a\.json is not valid json'),
        ('[1]', r"a\.json is not COCO instance json: it has no list 'images'"),
        ({'images': [], 'annotations': []}, "no list 'categories'"),
        (_coco(), r'a\.json lists no images'),
        (_twice('id'), r'a\.json: 1 image id\(s\) occur more than once: 1'),
        (_twice('file_name'), r"a\.json: 1 file name\(s\) .*'x.png'"),
        ('{"images": NaN}', 'NaN is not a json number'),
    ],
)
def test_a_bad_json_is_named(tmp_path, tree, content, message):
    _write(tmp_path, content)
    with tree('x.png') as source, pytest.raises(BadDataError, match=message):
        read_annotations(source, None)


def _items(source, coco, folder=''):
    return coco_items(source, coco, IDS, folder)


def test_images_are_found_wherever_they_lie(tree):
    names = ('a.png', 'day2/b.png', r'C:\scans\c.tif', '/d.png', '../e.png')
    files = ('a.png', 'deep/day2/b.png', 'deep/day1/b.png', 'x/c.tif')
    with tree(*files, 'x/y/d.png', 'x/e.png') as source:
        items, found = _items(source, _coco(*names))
    assert [item.image for item in items] == [
        'a.png',
        'deep/day2/b.png',
        'x/c.tif',
        'x/y/d.png',
        'x/e.png',
    ]
    assert [item.file_name for item in items] == [
        'a.png',
        'day2/b.png',
        'c.tif',
        'd.png',
        'e.png',
    ]
    assert not any(found.values())


def test_one_name_for_several_images_is_refused_until_told(tree):
    with tree('train/a.png', 'val/a.png') as source:
        with pytest.raises(BadDataError, match='--images-folder'):
            _items(source, _coco('a.png'))
        (item,), _ = _items(source, _coco('a.png'), 'val/')
    assert item.image == 'val/a.png'


def test_two_images_for_one_place_are_refused(tree):
    with (
        tree('p/a.png', 'q/a.png') as source,
        pytest.raises(BadDataError, match=r'both be written to images/a\.png'),
    ):
        _items(source, _coco('/p/a.png', '/q/a.png'))


def test_annotations_find_their_images_and_lost_ones_are_listed(tree):
    coco = _coco('a.png', 'gone.png')
    coco['images'][0].update(id='x', width=4, height=3, stain='DAPI')
    coco['annotations'] = [
        {'id': 5, 'image_id': 'x'},
        {'id': 6, 'image_id': 2},
        {'id': 7, 'image_id': 3},
        {'id': 8},
        'nonsense',
    ]
    with tree('a.png') as source:
        (item,), found = _items(source, coco)
    assert item.annotations == [{'id': 5, 'image_id': 'x'}]
    assert item.size == (3, 4)
    assert item.attributes == {'stain': 'DAPI'}
    assert found == {
        'absent_images': ['gone.png (1 annotations)'],
        'lost_annotations': [
            'annotation number 2: image_id 3',
            'annotation number 3: image_id None',
            'annotation number 4: image_id None',
        ],
    }


def test_the_fingerprint_follows_image_annotations_and_settings(tree):
    coco = _coco('a.png')
    seen = set()
    with tree('a.png') as source:
        for settings in ((), ('keep',)):
            (item,), _ = coco_items(source, coco, IDS, '', *settings)
            seen.add(item.fingerprint)
        coco['annotations'] = [{'id': 5, 'image_id': 1}]
        seen.add(_items(source, coco)[0][0].fingerprint)
        (source.path / 'a.png').write_text('changed')
        seen.add(_items(source, coco)[0][0].fingerprint)
    assert len(seen) == 4
