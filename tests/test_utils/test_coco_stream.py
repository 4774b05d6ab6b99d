import io
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.coco_stream import CocoWriter, read_entries
from cupre_mm.utils.errors import BadDataError

ENTRIES = [
    {'id': 1, 'bbox': [1.5, 2, 3.25, 4], 'area': 0.1},
    {'id': '2', 'segmentation': [[1, 2, 3.0, 4, 5, 6e-3]], 'iscrowd': 0},
]


def _read(text: str, key: str = 'annotations') -> list[dict]:
    return list(
        read_entries(
            lambda: nullcontext(io.BytesIO(text.encode())), key, 'a.json'
        )
    )


@pytest.mark.parametrize('first', [True, False])
@pytest.mark.parametrize('keyed', [True, False])
def test_entries_are_those_of_json_load_wherever_they_stand(first, keyed):
    entries = {'b': ENTRIES[0], 'a': ENTRIES[1]} if keyed else ENTRIES
    own, other = {'annotations': entries}, {'images': [{'id': 3}], 'x': None}
    text = json.dumps({**own, **other} if first else {**other, **own})
    found = _read(text)
    assert found == ENTRIES
    assert [list(map(type, e.values())) for e in found] == [
        list(map(type, e.values())) for e in ENTRIES
    ]


@pytest.mark.parametrize('empty', ['[]', '{}'])
def test_an_empty_list_has_no_entries(empty):
    assert _read(f'{{"images": [], "annotations": {empty}}}') == []


def test_a_file_without_the_list_is_refused_by_name():
    with pytest.raises(BadDataError, match=r"a.json .* no list 'annotations'"):
        _read('{"images": []}')


def test_a_file_that_is_cut_off_is_refused_by_name():
    text = json.dumps({'annotations': ENTRIES})
    with pytest.raises(BadDataError, match=r'a.json is not valid json'):
        _read(text[:-20])


def test_an_entry_that_is_no_mapping_is_refused():
    with pytest.raises(BadDataError, match='annotations have an entry 5'):
        _read('{"annotations": [5]}')


@pytest.mark.parametrize('count', [0, 1, 2])
def test_what_is_written_has_the_bytes_of_canonical_json(tmp_path, count):
    rest = dict(images=[{'id': 3}], categories=[], info={'a': 'ö'})
    with CocoWriter(tmp_path / 'new' / 'out.json') as writer:
        for entry in ENTRIES[:count]:
            writer.add(entry)
        digest = writer.finish(**rest)
    written = (tmp_path / 'new' / 'out.json').read_bytes()
    assert written == canonical_json({**rest, 'annotations': ENTRIES[:count]})
    assert writer.annotations == count
    assert len(digest) == 64


def test_a_writer_that_is_left_early_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / 'out.json'
    path.write_text('old')
    with CocoWriter(path) as writer:
        writer.add(ENTRIES[0])
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
