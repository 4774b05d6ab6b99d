import io
import json
import math

import pytest

from cupre_mm.utils.json_stream import stream_json

CONTENT = {
    'info': {'description': 'Zellkörper "a\\b"', 'year': 2021},
    'images': [],
    'annotations': [
        {'id': 1, 'x': [1, -0.0, 12.25, 1e-7, 3e300], 'n': None},
        {'id': 2, 'text': 'é\u2028😀 ] } , "', 'b': [True, False]},
        [],
        17,
        'text',
        {'id': 2**70, 'deep': [[[{'a': {}}]]]},
    ],
    'licenses': 5,
    'keyed': {'10': {'id': 10}, '11': [1.5]},
}


def _collect(data: bytes, keys, window: int = 4096) -> dict:
    found: dict = {}
    for part in stream_json(io.BytesIO(data), keys, window):
        kind, entries = found.setdefault(part.key, (part.kind, []))
        assert kind is part.kind
        entries += part.entries
    return found


@pytest.mark.parametrize('indent', [None, 40])
@pytest.mark.parametrize('window', [1, 2, 3, 7, 64, 4096])
def test_a_window_of_any_size_gives_what_json_gives(window, indent):
    data = json.dumps(CONTENT, indent=indent).encode()
    found = _collect(data, ('images', 'annotations', 'keyed'), window)
    assert found['images'] == (list, [])
    assert repr(found['annotations'][1]) == repr(CONTENT['annotations'])
    assert found['keyed'] == (dict, list(CONTENT['keyed'].values()))
    assert math.copysign(1, found['annotations'][1][0]['x'][1]) == -1
    assert 'info' not in found


def test_members_of_other_types_are_passed_over():
    data = json.dumps(CONTENT).encode()
    assert _collect(data, ('licenses',)) == {}
    assert _collect(b' [1, 2] ', ('images',)) == {}


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32-le'])
@pytest.mark.parametrize('window', [5, 4096])
def test_encodings_that_json_reads(encoding, window):
    data = json.dumps(CONTENT, ensure_ascii=False).encode(encoding)
    found = _collect(data, ('annotations',), window)
    assert found['annotations'][1] == CONTENT['annotations']


def test_only_a_few_windows_are_held():
    entries = [{'id': number, 'p': [0.25] * 50} for number in range(200)]
    data = json.dumps({'annotations': entries}).encode()
    parts = list(stream_json(io.BytesIO(data), ('annotations',), 1000))
    assert len(parts) > 50
    assert max(len(part.entries) for part in parts) < 10


@pytest.mark.parametrize('window', [1, 8, 4096])
@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'Expecting value'),
        ('<html></html>', 'Expecting value: character 0'),
        ('{"a": [1, 2', "Expecting ',' delimiter: character 11"),
        ('{"a": [{"b": "c', 'Unterminated string'),
        ('{"a": [1, 2]', "Expecting ',' delimiter: character 12"),
        ('{"a": [1,, 2]}', 'Expecting value: character 9'),
        ('{"a": [1 2]}', "Expecting ',' delimiter: character 9"),
        ('{a: 1}', 'property name'),
        ('{"a" 1}', "Expecting ':' delimiter"),
        ('{"a": [NaN]}', 'NaN is not a json number'),
        ('{"a": [1]} x', 'Extra data: character 11'),
        ('{"a": [1], "a": [2]}', "has 'a' twice"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text, message, window):
    with pytest.raises(ValueError, match=message):
        _collect(text.encode(), ('a',), window)


def test_a_fault_is_found_without_reading_to_the_end():
    data = io.BytesIO(b'{"a": [1, 2 3' + b' ' * 100_000)
    with pytest.raises(ValueError, match='delimiter'):
        list(stream_json(data, ('a',), 1000))
    assert data.tell() <= 2000


def test_endless_nesting_is_refused():
    with pytest.raises(ValueError, match='nested too deeply'):
        _collect(b'{"a": [' + b'[' * 100_000, ('a',))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ValueError, match='codec'):
        _collect(b'{"a": ["\xff\xfe\xfd"]}', ('a',))
