import copy
import hashlib
import json

import pytest

from cupre_mm.utils.coco_json import (
    canonical_json,
    read_coco,
    take_images,
    write_json,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError

COCO = {
    'info': {'description': 'two images'},
    'images': [
        {'id': 7, 'file_name': 'b.png', 'width': 4, 'height': 4},
        {'id': 3, 'file_name': 'a.png', 'width': 4, 'height': 4},
    ],
    'annotations': [
        {'id': 1, 'image_id': 7, 'category_id': 1, 'bbox': [0, 0, 2, 2]},
        {'id': 2, 'image_id': 3, 'category_id': 1, 'bbox': [0, 0, 1, 1]},
        {'id': 5, 'image_id': 7, 'category_id': 1, 'bbox': [1, 1, 2, 2]},
    ],
    'categories': [{'id': 1, 'name': 'cell'}],
}


def _read(tmp_path, change):
    coco = copy.deepcopy(COCO)
    change(coco)
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(coco))
    return read_coco(path)


def test_canonical_json_is_sorted_ascii_with_one_newline():
    content = {'b': [1, 2.5], 'a': 'Zellkörper'}
    assert canonical_json(content) == (
        b'{"a":"Zellk\\u00f6rper","b":[1,2.5]}\n'
    )
    assert canonical_json({'b': [], 'a': 1}, indent=1) == (
        b'{\n "a": 1,\n "b": []\n}\n'
    )


def test_written_sha256_is_that_of_the_file(tmp_path):
    path = tmp_path / 'x' / 'ann.json'
    digest = write_json(path, COCO)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_coco(path) == (COCO, digest)


def test_take_images_keeps_ids_order_and_other_keys():
    part = take_images(COCO, COCO['images'][:1])
    assert [ann['id'] for ann in part['annotations']] == [1, 5]
    assert part['images'] == COCO['images'][:1]
    assert part['info'] == COCO['info']
    assert part['categories'] == COCO['categories']


def test_annotations_keyed_by_id_become_a_list(tmp_path):
    def key_by_id(coco):
        coco['annotations'] = {
            str(ann['id']): ann for ann in coco['annotations']
        }

    assert _read(tmp_path, key_by_id)[0] == COCO


def test_missing_file_ends_with_the_hint(tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.json .* Make it so'):
        read_coco(tmp_path / 'none.json', 'Make it so')


@pytest.mark.parametrize('text', ['{"images": [', '{"a": NaN}', '\x00'])
def test_no_json_is_named(tmp_path, text):
    path = tmp_path / 'cut.json'
    path.write_text(text)
    with pytest.raises(BadDataError, match=r'cut\.json is not valid json'):
        read_coco(path)


@pytest.mark.parametrize('content', [[], {'images': []}, {'images': {}}])
def test_json_that_is_not_coco_is_named(tmp_path, content):
    path = tmp_path / 'other.json'
    path.write_text(json.dumps(content))
    with pytest.raises(BadDataError, match=r'other\.json is not COCO'):
        read_coco(path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['images'].clear(), 'lists no images'),
        (lambda c: c['images'][0].update(id=3), r'image id\(s\) .*: 3;'),
        (
            lambda c: c['images'][0].update(file_name='a.png'),
            r"1 file name\(s\) occur more than once: 'a\.png'",
        ),
        (
            lambda c: c['annotations'][0].update(id=2),
            r'annotation id\(s\) occur more than once: 2',
        ),
        (
            lambda c: c['annotations'][0].update(image_id=99),
            r'1 annotation\(s\) name a image_id .* first 99 \(annotation 1\)',
        ),
        (
            lambda c: c['annotations'][2].update(category_id=9),
            r'name a category_id .* first 9 \(annotation 5\)',
        ),
        (
            lambda c: c['images'][1].pop('file_name'),
            "image number 1 has no usable 'file_name'",
        ),
        (
            lambda c: c['annotations'].append(None),
            "annotation number 3 has no usable 'id'",
        ),
    ],
)
def test_inconsistent_files_are_refused_by_name(tmp_path, change, message):
    with pytest.raises(BadDataError, match=r'ann\.json.*' + message):
        _read(tmp_path, change)
