from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.livecell.inputs import read_input
from tests.livecell_set import LivecellSet, change_json, write_livecell_set


@pytest.fixture
def source(tmp_path: Path) -> LivecellSet:
    return write_livecell_set(tmp_path / 'src', per_type=2, size=(20, 30))


def test_everything_of_the_official_layout_is_found(source, tmp_path):
    given = read_input([source.root], tmp_path / 'out')
    assert {part: sorted(names) for part, names in given.names.items()} == {
        part: sorted(names) for part, names in source.names.items()
    }
    assert list(given.official) == [2, 4, 5, 25, 50]
    assert given.missing_official == []
    assert given.unused_images == given.ignored_files == given.absent == []
    assert len(given.files) == 3 + 5 + len(source.cells)


def test_absent_images_are_counted_by_part_and_the_first_five_named(
    source, tmp_path
):
    lost = sorted(source.names['train'])[:6] + source.names['test'][:1]
    for name in lost:
        source.image(name).unlink()
    with pytest.raises(MissingDataError) as error:
        read_input([source.root], tmp_path / 'out')
    message = str(error.value)
    assert message.startswith('7 images that the annotation files name are')
    assert '6 of 16 in train, 0 of 8 in val, 1 of 8 in test; it has 25' in (
        message
    )
    assert f'{", ".join(lost[:5])}, ...' in message
    assert lost[5] not in message
    assert 'images.zip' in message
    given = read_input([source.root], tmp_path / 'out', allow_absent=True)
    assert given.absent == lost
    assert len(given.images) == 25


def test_only_the_images_of_the_types_asked_for_are_needed(source, tmp_path):
    for name in source.cells:
        if not name.startswith(('BV2_', 'A172_')):
            source.image(name).unlink()
    given = read_input([source.root], tmp_path / 'out', ('A172', 'BV2'))
    assert len(given.names['train']) == 4
    assert len(given.images) == 8


def test_images_that_no_file_names_are_told(source, tmp_path):
    extra = source.root / 'images' / 'scan.tif'
    extra.write_bytes(b'')
    given = read_input([source.root], tmp_path / 'out')
    assert given.unused_images == ['scan.tif']


def test_a_part_without_images_is_refused(source, tmp_path):
    change_json(
        source.folder / 'livecell_coco_val.json',
        lambda content: content.update(images=content['images'][:1]),
    )
    with pytest.raises(BadDataError, match=r'coco_val.json: no image of val'):
        read_input([source.root], tmp_path / 'out', ('SKOV3',))


def test_an_image_in_train_and_test_is_refused(source, tmp_path):
    def add(content):
        copied = dict(content['images'][0], id=999)
        content['images'].append({**copied, 'file_name': twice})

    twice = source.names['train'][3]
    change_json(source.folder / 'livecell_coco_test.json', add)
    with pytest.raises(BadDataError, match=f'{twice} .train and test.'):
        read_input([source.root], tmp_path / 'out')
