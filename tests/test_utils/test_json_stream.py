import io
import json
import locale
import math
import zipfile
from functools import partial

import ijson
import pytest

from cupre_mm.utils import json_stream
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_stream import read_entries, read_list

ENTRIES = [
    {'id': 1, 'x': [1, -0.0, 12.25, 0.1, 1e-7, 3e300, 5e-324], 'n': None},
    {'id': 2**63 - 1, 'text': 'é\u2028😀 ] } , "', 'b': [True, False]},
    {'id': 'a', 'deep': [[[{'a': {}, 'item': []}]]], 'annotations': [7]},
    [],
    17,
    'text',
]
IMAGES = [{'id': 1.5, 'file_name': 'Zellkörper "a\\b"'}, {'id': 2}]
CONTENT = {
    'info': {'annotations': [1], 'images': [2]},
    'images': IMAGES,
    'annotations': ENTRIES,
    'empty': [],
    'licenses': 5,
}
READERS = (
    read_list,
    lambda open_file, key, name: list(read_entries(open_file, key, name)),
)


@pytest.fixture(params=READERS, ids=['whole', 'entry by entry'])
def read(request):
    def read_bytes(data, key='annotations'):
        data = data.encode() if isinstance(data, str) else data
        return request.param(partial(io.BytesIO, data), key, 'cells.json')

    return read_bytes


@pytest.mark.parametrize('indent', [None, 40])
@pytest.mark.parametrize('turned', [True, False])
def test_entries_are_those_of_json_load_wherever_they_stand(
    read, turned, indent
):
    content = dict(reversed(CONTENT.items())) if turned else CONTENT
    text = json.dumps(content, indent=indent)
    # The text of the values tells 1 from 1.0 and 0.0 from -0.0.
    assert repr(read(text)) == repr(ENTRIES)
    assert repr(read(text, 'images')) == repr(IMAGES)
    assert read(text, 'empty') == []


def test_floats_are_equal_to_the_last_bit(read):
    numbers = [math.sin(n) * 10.0 ** (n % 600 - 300) for n in range(5000)]
    text = json.dumps({'annotations': [[n, f'{n:.17e}'] for n in numbers]})
    text = text.replace('"', '').replace('annotations', '"annotations"')
    assert read(text) == json.loads(text)['annotations']


@pytest.mark.parametrize('items', [{}, {'item': {'id': 0}}])
def test_a_mapping_is_read_as_the_list_of_its_values(items):
    mapping = {**items, **{str(n): entry for n, entry in enumerate(ENTRIES)}}
    text = json.dumps({'annotations': mapping, 'none': {}}).encode()
    open_file = partial(io.BytesIO, text)
    found = list(read_entries(open_file, 'annotations', 'a.json'))
    assert found == list(mapping.values())
    assert list(read_entries(open_file, 'none', 'a.json')) == []
    with pytest.raises(
        BadDataError, match=r"a\.json .* no list 'annotations'"
    ):
        read_list(open_file, 'annotations', 'a.json')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-32-le'])
def test_encodings_that_json_reads(read, encoding):
    content = {**CONTENT, 'images': IMAGES * 5000}
    data = json.dumps(content, ensure_ascii=False).encode(encoding)
    assert read(data) == ENTRIES
    assert read(data, 'images') == IMAGES * 5000


def test_a_member_of_a_zip_is_read_without_unpacking(tmp_path):
    with zipfile.ZipFile(
        tmp_path / 'a.zip', 'w', zipfile.ZIP_DEFLATED
    ) as file:
        file.writestr('a.json', json.dumps(CONTENT))
    with zipfile.ZipFile(tmp_path / 'a.zip') as file:
        open_file = partial(file.open, 'a.json')
        assert read_list(open_file, 'images', 'a.zip') == IMAGES
        assert list(read_entries(open_file, 'annotations', '')) == ENTRIES


class _Counted(io.BytesIO):
    most = 0

    def read(self, size=-1):
        data = super().read(size)
        _Counted.most = max(_Counted.most, self.tell())
        return data


def test_the_file_is_read_as_the_entries_are_taken(monkeypatch):
    monkeypatch.setattr(_Counted, 'most', 0)
    entries = [{'id': number, 'p': [0.25] * 50} for number in range(9000)]
    data = json.dumps({'images': IMAGES, 'annotations': entries}).encode()
    assert read_list(partial(_Counted, data), 'images', '') == IMAGES
    found = read_entries(partial(_Counted, data), 'annotations', '')
    assert next(found) == entries[0]
    assert _Counted.most < len(data) / 4
    assert list(found) == entries[1:]
    assert _Counted.most == len(data)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'premature EOF'),
        ('<html></html>', 'near <html></html>'),
        ('{"annotations": [1, 2', 'premature EOF'),
        ('{"annotations": [{"b": "c', 'premature EOF'),
        ('{"annotations": [1,, 2]}', 'unallowed token .* near .*1,, 2'),
        ('{"annotations": [1 2]}', "',' or '\\]'"),
        ('{annotations: 1}', 'invalid char'),
        ('{"annotations" 1}', 'separated by a colon'),
        ('{"annotations": [NaN]}', 'invalid char .* near .*NaN'),
        ('{"annotations": [-Infinity]}', 'malformed number'),
        ('{"annotations": [1e999]}', 'overflow .*near .*1e999'),
        (b'{"annotations": ["\xff\xfe\xfd"]}', 'invalid bytes in UTF8'),
        ('{"annotations": ['.encode('utf-16') + b'\x00\xd8\x00', 'codec'),
    ],
)
def test_what_is_no_json_is_refused_by_name_in_one_line(read, text, message):
    with pytest.raises(BadDataError, match=message) as caught:
        read(text)
    said = str(caught.value)
    assert said.startswith('cells.json is not valid json (')
    assert '\n' not in said


@pytest.mark.parametrize('more', [' x', '{}', ',', ', "images": [1, 2'])
def test_entries_are_given_until_the_place_of_a_fault(more):
    data = b'{"annotations": [1, 2]' + (b'}' + more.encode()).lstrip(b'},')
    found = read_entries(partial(io.BytesIO, data), 'annotations', 'cut.json')
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(BadDataError, match=r'cut\.json is not valid json'):
        next(found)


@pytest.mark.parametrize(
    'text',
    ['{}', '[1, 2]', '5', '{"annotations": 5}', '{"annotations": null}',
     '{"info": {"annotations": []}}', '{"annotations": "[]"}'],
)  # fmt: skip
def test_a_file_without_the_list_is_refused_by_name(read, text):
    with pytest.raises(BadDataError, match=r"cells.json .* no list 'annotati"):
        read(text)


@pytest.fixture
def comma(monkeypatch):
    """A locale with a decimal comma, as far as Python can tell."""
    monkeypatch.setattr(locale, 'localeconv', lambda: {'decimal_point': ','})


def test_a_decimal_comma_changes_no_number(read, comma, monkeypatch):
    for name in ('items', 'kvitems', 'parse'):
        monkeypatch.delattr(ijson, name)
    with pytest.warns(UserWarning, match='decimal comma: set LC_NUMERIC=C'):
        assert repr(read(json.dumps(CONTENT))) == repr(ENTRIES)


def test_pure_python_finds_the_same_faults(read, comma):
    for text in ('{"annotations": [1, 2', '{"annotations": ["a\nb"]}', ''):
        with (
            pytest.warns(UserWarning, match='slowly'),
            pytest.raises(BadDataError, match='is not valid json'),
        ):
            read(text)


def test_a_slow_parser_is_said(read, monkeypatch):
    monkeypatch.setattr(json_stream, 'ijson', ijson.get_backend('python'))
    with pytest.warns(UserWarning, match='has no C part here'):
        assert read(json.dumps(CONTENT)) == ENTRIES
