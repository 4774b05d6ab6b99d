import json
import shutil
import zipfile
from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.livecell.source_files import find_files, the_one

IMAGE = 'A172_Phase_C7_1_02d16h00m_2.tif'


def _write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.rpartition('/')[2].encode())


def _zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.writestr(name, name.rpartition('/')[2])


def test_the_official_layout_is_recognised(tmp_path):
    _write(
        tmp_path,
        f'images/livecell_train_val_images/A172/{IMAGE}',
        'annotations/LIVECell/livecell_coco_train.json',
        'annotations/LIVECell/livecell_coco_val.json',
        'annotations/LIVECell_dataset_size_split/2_train5percent.json',
        'annotations/LIVECell_single_cells/a172/train.json',
        'annotations/LIVECell_single_cells/bv2/livecell_bv2_test.json',
        'annotations/LIVECell_single_cells/skov3/val.json',
        'README.md',
        '.hidden/livecell_coco_test.json',
        f'__MACOSX/._{IMAGE}',
    )
    found = find_files([tmp_path], tmp_path / 'out')
    assert list(found.images) == [IMAGE]
    assert sorted(found.full) == ['train', 'val']
    assert list(found.official) == [5]
    assert {p: list(kinds) for p, kinds in found.single.items()} == {
        'train': ['A172'],
        'test': ['BV2'],
        'val': ['SKOV3'],
    }
    assert found.ignored == [f'{tmp_path}/README.md']


def test_downloads_in_one_flat_folder_are_recognised(tmp_path):
    _write(
        tmp_path, 'livecell_coco_test.json', '4_train50percent.json',
        'livecell_SkBr3_val.json', 'train.json', 'instances_val.json',
    )  # fmt: skip
    _zip(tmp_path / 'images.zip', f'images/livecell_test_images/{IMAGE}')
    found = find_files([tmp_path], tmp_path / 'out')
    assert list(found.full) == ['test']
    assert list(found.official) == [50]
    assert list(found.single['val']) == ['SkBr3']
    assert [Path(name).name for name in found.ignored] == [
        'instances_val.json',
        'train.json',
    ]
    (image,) = found.images[IMAGE]
    assert image.zipped
    with image.open() as stream:
        assert stream.read() == IMAGE.encode()


def test_zips_and_single_json_files_are_sources_too(tmp_path):
    _write(tmp_path, 'down/livecell_coco_train.json', 'down/other.json')
    _zip(tmp_path / 'images.zip', IMAGE)
    found = find_files(
        [tmp_path / 'images.zip', tmp_path / 'down/livecell_coco_train.json'],
        tmp_path / 'out',
    )
    assert list(found.images) == [IMAGE]
    assert list(found.full) == ['train']
    assert found.ignored == []


def test_what_lies_in_the_output_folder_is_no_source(tmp_path):
    _write(tmp_path, f'images/{IMAGE}', f'out/images/{IMAGE}')
    found = find_files([tmp_path], tmp_path / 'out')
    assert len(found.images[IMAGE]) == 1
    for source in (tmp_path / 'out', tmp_path / 'out' / 'images'):
        with pytest.raises(BadConfigError, match='lies in the output folder'):
            find_files([source], tmp_path / 'out')


def test_of_equal_copies_the_unpacked_one_is_taken(tmp_path):
    _zip(tmp_path / 'images.zip', IMAGE)
    _write(tmp_path, f'images/{IMAGE}', f'again/{IMAGE}')
    found = find_files([tmp_path], tmp_path / 'out')
    assert len(found.images[IMAGE]) == 3
    assert not the_one(found.images[IMAGE]).zipped


def test_files_of_one_name_that_differ_are_refused_by_name(tmp_path):
    _write(tmp_path, f'a/{IMAGE}', f'b/{IMAGE}')
    (tmp_path / 'b' / IMAGE).write_bytes(b'x' * len(IMAGE))
    found = find_files([tmp_path], tmp_path / 'out')
    with pytest.raises(BadDataError, match=r'a/A172.* and .*b/A172.* not the'):
        the_one(found.images[IMAGE])


def test_a_changed_file_has_another_stamp(tmp_path):
    _write(tmp_path, f'a/{IMAGE}')
    before = find_files([tmp_path], tmp_path / 'out').images[IMAGE][0]
    shutil.copy(tmp_path / 'a' / IMAGE, tmp_path / 'copy')
    (tmp_path / 'copy').replace(tmp_path / 'a' / IMAGE)
    after = find_files([tmp_path], tmp_path / 'out').images[IMAGE][0]
    assert after.stamp != before.stamp


def test_a_damaged_zip_entry_is_named(tmp_path):
    path = tmp_path / 'a.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('livecell_coco_val.json', json.dumps({'a': 'b' * 99}))
    path.write_bytes(path.read_bytes().replace(b'bbb', b'bcb'))
    (file,) = find_files([path], tmp_path / 'out').full['val']
    with (
        pytest.raises(
            BadDataError, match=r"read 'livecell_coco_val.json' of .*a.zip"
        ),
        file.open() as stream,
    ):
        stream.read()
