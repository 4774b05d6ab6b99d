"""The depth of json is told whatever the pieces it is read in."""

import io
import json
import tracemalloc

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_depth import DEEPEST, DepthLimit
from cupre_mm.utils.json_stream import read_entries, read_list


def read_all(data: bytes, size: int) -> bytes:
    file = DepthLimit(io.BytesIO(data))
    return b''.join(iter(lambda: file.read(size), b''))


@pytest.mark.parametrize('size', [1, 2, 3, 7, 10_000])
def test_gives_what_the_file_gives(size: int):
    data = json.dumps({'a': [[1, 'x'], {'b': '\\"[{['}], '"': '\\'}).encode()
    assert read_all(data, size) == data


@pytest.mark.parametrize('size', [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize(
    'text', ['[' * 2000, '\\"[' * 2000, '\\\\' * 500, '"' + '{' * 2000]
)
def test_brackets_within_text_are_no_levels(text: str, size: int):
    data = json.dumps([text, text]).encode()
    assert read_all(data, size) == data


@pytest.mark.parametrize('size', [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize('before', ['', '"a"', '"\\\\"', '"[\\"["', '[],{}'])
def test_one_level_more_than_allowed_is_refused(before: str, size: int):
    inner = f'{before},' if before else ''
    good = '[' * DEEPEST + ']' * DEEPEST
    deeper = f'[{inner}' * (DEEPEST + 1) + ']' * (DEEPEST + 1)
    read_all(good.encode(), size)
    with pytest.raises(ValueError, match='nested more than'):
        read_all(deeper.encode(), size)


def test_deep_nesting_beside_the_lists_takes_no_memory():
    """100,000 brackets, 200 kB, took ijson more than a gigabyte."""
    deep = '[' * 100_000 + ']' * 100_000
    data = ('{"images":[],"annotations":[],"more":' + deep + '}').encode()
    tracemalloc.start()
    for read in (read_list, read_entries):
        with pytest.raises(BadDataError, match=r'a\.json .*nested'):
            list(read(lambda: io.BytesIO(data), 'annotations', 'a.json'))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
