import json
from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell.image_lists import (
    check_no_overlap,
    first_of,
    read_names,
    read_part,
    select,
)
from cupre_mm.utils.livecell.source_files import SourceFile

A, B, C = (
    f'{kind}_Phase_C7_1_02d16h00m_2.tif' for kind in ('A172', 'BV2', 'SKOV3')
)


@pytest.fixture
def write(tmp_path):
    def write(*images, name='livecell_coco_train.json') -> SourceFile:
        content = {'images': images, 'annotations': []}
        (tmp_path / name).write_text(json.dumps(content))
        size = (tmp_path / name).stat().st_size
        return SourceFile(tmp_path, name, size, '', False)

    return write


def _image(number, name, **more):
    return {'id': number, 'file_name': name, **more}


def test_images_are_known_by_name_whatever_folders_and_ids(write):
    part = read_part(
        [
            write(
                _image('7', f'images/A172/{A}', height=52, width=70),
                _image(8, B),
            )
        ]
    )
    assert part.name_of == [{'7': A, '8': B}]
    assert part.sizes == {A: (52, 70), B: (None, None)}
    assert part.new_ids([B, A]) == {A: 7, B: 8}


def test_ids_that_files_share_or_that_are_text_are_numbered_anew(write):
    one = write(_image(5, B), name='a.json')
    two = write(_image(5, A), name='b.json')
    part = read_part([one, two])
    assert part.name_of == [{'5': B}, {'5': A}]
    assert part.new_ids([A, B]) == {A: 1, B: 2}
    text = read_part([write(_image('x1', B), _image(4, A))])
    assert text.new_ids([A, B]) == {A: 1, B: 2}


def test_an_image_that_is_listed_twice_is_one_with_both_ids(write):
    part = read_part([write(_image(1, A), _image(2, f'x/{A}'), _image(3, B))])
    assert part.name_of == [{'1': A, '2': A, '3': B}]
    assert part.repeated == [A]
    assert part.new_ids([A, B]) == {A: 1, B: 3}


def test_one_id_for_two_images_is_refused(write):
    with pytest.raises(BadDataError, match='image id 1 stands') as error:
        read_part([write(_image(1, A), _image('1', B))])
    assert f'{A} and {B}' in str(error.value)


def test_names_that_are_not_livecells_are_counted_and_named(write):
    names = [f'scan{n}.tif' for n in range(7)]
    source = write(
        _image(0, A), *(_image(n, x) for n, x in enumerate(names, 1))
    )
    with pytest.raises(BadDataError) as error:
        read_part([source])
    assert 'livecell_coco_train.json: 7 of its 8 images' in str(error.value)
    assert 'scan0.tif, scan1.tif, scan2.tif, scan3.tif, scan4.tif, ...' in str(
        error.value
    )


@pytest.mark.parametrize('image', [{'id': 1}, {'file_name': A}, _image([], A)])
def test_images_without_id_or_name_are_refused(write, image):
    with pytest.raises(BadDataError, match='no usable id or file_name'):
        read_part([write(image)])


def test_a_file_without_images_is_refused(write):
    with pytest.raises(BadDataError, match='lists no images'):
        read_part([write()])


def test_an_image_in_two_parts_is_refused_by_name(write):
    train = read_part([write(_image(1, A), _image(2, B))])
    test = read_part([write(_image(9, A), name='livecell_coco_test.json')])
    val = read_part([write(_image(1, C), name='livecell_coco_val.json')])
    with pytest.raises(BadDataError) as error:
        check_no_overlap({'train': train, 'val': val, 'test': test})
    assert f'1 image(s) are in more than one of train, val and test: {A} ' in (
        str(error.value)
    )
    assert '(train and test)' in str(error.value)
    check_no_overlap({'train': train, 'val': val})


def test_names_and_cell_types(write):
    assert read_names(write(_image(3, C), _image(1, A))) == [A, C]
    assert select([C, B, A], None) == [A, B, C]
    assert select([C, B, A], ('BV2', 'SKOV3')) == [B, C]


def test_the_first_five_names_are_shown():
    assert first_of(list('abcde')) == 'a, b, c, d, e'
    assert first_of(list('abcdef')) == 'a, b, c, d, e, ...'
    assert Path(first_of([A])).name == A
