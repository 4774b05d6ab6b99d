from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.few_shot.image_attribute import (
    read_attribute,
    read_csv,
    shortened,
)

ANN = Path('instances.json')
IMAGES = [
    {'id': i, 'file_name': f'{i}.png', 'cell_type': 'ab'[i % 2], 'well': i}
    for i in range(7)
]


def _csv(tmp_path, text, encoding='utf-8'):
    path = tmp_path / 'table.csv'
    path.write_bytes(text.encode(encoding))
    return str(path)


def _rows(rows):
    return ''.join(f'{row}\n' for row in ['file_name,stain', *rows])


def test_a_key_of_the_image_entries():
    values, origin = read_attribute('cell_type', IMAGES, ANN)
    assert values == {f'{i}.png': 'ab'[i % 2] for i in range(7)}
    assert origin == {'kind': 'image key', 'key': 'cell_type'}


def test_numbers_count_as_text_and_zero_as_a_value():
    values, _ = read_attribute('well', IMAGES, ANN)
    assert values['0.png'] == '0'


@pytest.mark.parametrize(
    'text',
    [
        'file_name,stain\n0.png,HE\n1.png,"H, E"\n',
        'stain;file_name\r\nHE;0.png\r\nH, E;1.png\r\n\r\n',
        '\ufefffile_name\tstain\n0.png\tHE\n1.png\tH, E',
    ],
    ids=['commas', 'semicolons', 'tabs'],
)
def test_csv_files_as_spreadsheets_save_them(tmp_path, text):
    path = _csv(tmp_path, text)
    values, column, digest = read_csv(path)
    assert values == {'0.png': 'HE', '1.png': 'H, E'}
    assert column == 'stain'
    assert len(digest) == 64


def test_a_csv_file_is_named_in_the_origin(tmp_path):
    path = _csv(tmp_path, _rows(f'{i}.png,x{i}' for i in range(7)))
    values, origin = read_attribute(path, IMAGES, ANN)
    assert values['6.png'] == 'x6'
    assert origin['kind'] == 'csv file'
    assert (origin['file'], origin['column']) == ('table.csv', 'stain')


def test_images_without_the_key_are_counted_and_named():
    images = [
        {**IMAGES[0], 'cell_type': None},
        {'id': 8, 'file_name': '8.png'},
        *IMAGES[1:],
    ]
    with pytest.raises(
        BadDataError,
        match=r"2 of the 8 images .* 'cell_type' of inst.*: 0.png, 8.png; .*"
        'have the keys cell_type, file_name, id, well',
    ):
        read_attribute('cell_type', images, ANN)


def test_images_without_a_row_or_a_value_are_counted_and_named(tmp_path):
    path = _csv(tmp_path, _rows(['0.png,', *(f'{i}.png,a' for i in (1, 2))]))
    with pytest.raises(
        BadDataError, match=r'5 of the 7 images .*csv: 0.png, 3.png, 4.png'
    ):
        read_attribute(path, IMAGES, ANN)


def test_rows_of_unknown_images_are_counted_and_named(tmp_path):
    rows = [f'{i}.png,a' for i in range(7)] + ['images/7.png,a', '8.png,b']
    with pytest.raises(
        BadDataError,
        match=r'2 image\(s\) that instances.json does not have: '
        r"images/7.png, 8.png; its names look like '0.png'",
    ):
        read_attribute(_csv(tmp_path, _rows(rows)), IMAGES, ANN)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', r'has the columns \[\]; it must have two'),
        ('name,stain\n0.png,a\n', 'it must have two, file_name and'),
        ('file_name,a,b\n0.png,1,2\n', r"'a', 'b'\]; it must have two"),
        (_rows(['0.png,a', '1.png,b,c']), 'the first is line 3; quote'),
        (_rows(['0.png,a', '0.png,b']), r'names 1 image\(s\) more than once'),
    ],
)
def test_other_tables_are_refused(tmp_path, text, message):
    with pytest.raises(BadDataError, match=message):
        read_csv(_csv(tmp_path, text))


def test_a_csv_file_of_another_encoding_is_refused(tmp_path):
    path = _csv(tmp_path, _rows(['ä.png,a']), 'latin-1')
    with pytest.raises(BadDataError, match='save it as "CSV UTF-8"'):
        read_csv(path)


def test_a_missing_csv_file_is_told_from_a_key(tmp_path):
    with pytest.raises(MissingDataError, match=r'ends in \.csv stands for'):
        read_attribute(str(tmp_path / 'no.csv'), IMAGES, ANN)


def test_values_that_are_no_text_are_refused():
    images = [{**IMAGES[0], 'size': [3, 4]}]
    with pytest.raises(BadDataError, match=r"'size' of image 0.png is \[3, 4"):
        read_attribute('size', images, ANN)


def test_long_lists_are_shortened():
    assert shortened(list('abcdef')) == 'a, b, c, d, e, ...'
