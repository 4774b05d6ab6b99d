"""Whatever a file holds, it is json or a documented error."""

import pytest

from cupre_mm.utils.coco_json import canonical_json, read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_files import parse_json


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_json_of_any_encoding_is_read(encoding: str):
    data = '{"a": ["\u7d30\u80de", 1.5, null]}'.encode(encoding)
    assert parse_json(data, 'a.json') == {'a': ['\u7d30\u80de', 1.5, None]}


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'{"a"',
        b'\xff\xfe\xfd',
        b'[NaN]',
        b'[-Infinity]',
        b'[' * 100_000 + b']' * 100_000,
        b'{"a":' * 100_000,
        b'9' * 5000,
    ],
    ids=['empty', 'cut', 'binary', 'nan', 'inf', 'deep', 'deeper', 'long'],
)
def test_what_is_no_json_is_refused(data: bytes):
    with pytest.raises(BadDataError, match=r'a\.json is not valid json'):
        parse_json(data, 'a.json')


def test_annotation_file_nested_deeply_is_refused(tmp_path):
    """Raised RecursionError (found by fuzzing read_coco)."""
    path = tmp_path / 'deep.json'
    path.write_text('{"images":[],"more":' + '[' * 100_000 + ']' * 100_000)
    with pytest.raises(BadDataError, match='deep'):
        read_coco(path)


def test_infinity_written_as_a_large_number_is_told_when_writing():
    """1e999 is json, becomes infinity, and raised a bare ValueError."""
    content = parse_json(b'{"area": 1e999}', 'a.json')
    with pytest.raises(BadDataError, match='1e999'):
        canonical_json(content)
