import os
import zipfile

import numpy as np
import pytest
import tifffile

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.livecell.image_files import place_images
from cupre_mm.utils.livecell.source_files import find_files, the_one

NAMES = [f'A172_Phase_C7_1_0{n}d16h00m_2.tif' for n in range(3)]


@pytest.fixture
def source(tmp_path):
    for number, name in enumerate(NAMES):
        path = tmp_path / 'src' / 'images' / 'A172' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.full((20, 30 + number), number, np.uint8))
    return tmp_path / 'src'


@pytest.fixture
def place(tmp_path):
    def place(source, way='link', workers=1):
        found = find_files([source], tmp_path / 'out')
        return place_images(
            [the_one(found.images[name]) for name in NAMES],
            tmp_path / 'out',
            tmp_path / 'images.jsonl',
            way,
            workers,
        )

    return place


def _inode(path):
    return os.stat(path).st_ino


@pytest.mark.parametrize(
    ('way', 'placed'),
    [('link', 'hard-linked'), ('copy', 'copied'), ('symlink', 'symlinked')],
)
def test_images_are_placed_flat_and_the_source_stays(
    source, place, tmp_path, way, placed
):
    before = {p: p.read_bytes() for p in source.rglob('*.tif')}
    records = place(source, way)
    assert list(records) == NAMES
    for number, name in enumerate(NAMES):
        assert records[name]['placed'] == placed
        assert records[name]['height'] == 20
        assert records[name]['width'] == 30 + number
        target = tmp_path / 'out' / name
        assert (tifffile.imread(target) == number).all()
        same = _inode(target) == _inode(source / 'images' / 'A172' / name)
        assert same == (way != 'copy')
        assert target.is_symlink() == (way == 'symlink')
    assert {p: p.read_bytes() for p in source.rglob('*.tif')} == before
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_without_hard_links_images_are_copied(
    source, place, tmp_path, monkeypatch
):
    def refuse(*args):
        raise OSError(18, 'Invalid cross-device link')

    monkeypatch.setattr(os, 'link', refuse)
    records = place(source)
    assert {record['placed'] for record in records.values()} == {'copied'}
    assert (tmp_path / 'out' / NAMES[2]).is_file()


def test_images_of_a_zip_are_unpacked_but_not_linked(source, place, tmp_path):
    path = tmp_path / 'images.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        for name in NAMES:
            archive.write(source / 'images' / 'A172' / name, f'images/{name}')
    records = place(path, workers=2)
    assert {record['placed'] for record in records.values()} == {'unpacked'}
    assert (tifffile.imread(tmp_path / 'out' / NAMES[2]) == 2).all()
    with pytest.raises(BadConfigError, match=r'cannot point into a zip .*zip'):
        place(path, 'symlink')


def test_a_second_run_places_only_what_is_gone_or_changed(
    source, place, tmp_path
):
    place(source, 'copy')
    first = {name: _inode(tmp_path / 'out' / name) for name in NAMES}
    (tmp_path / 'out' / NAMES[0]).unlink()
    changed = source / 'images' / 'A172' / NAMES[1]
    tifffile.imwrite(changed, np.full((20, 31), 9, np.uint8))
    os.utime(changed, ns=(1, 1))
    place(source, 'copy')
    assert (tifffile.imread(tmp_path / 'out' / NAMES[1]) == 9).all()
    assert (tmp_path / 'out' / NAMES[0]).is_file()
    assert _inode(tmp_path / 'out' / NAMES[2]) == first[NAMES[2]]


def test_an_image_that_was_cut_short_is_placed_again(source, place, tmp_path):
    place(source, 'copy')
    target = tmp_path / 'out' / NAMES[2]
    whole = target.read_bytes()
    target.write_bytes(whole[:100])
    place(source, 'copy')
    assert target.read_bytes() == whole


def test_a_link_to_what_is_there_already_leaves_no_part_file(
    source, place, tmp_path
):
    place(source)
    (tmp_path / 'images.jsonl').unlink()
    place(source)
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == NAMES


@pytest.mark.parametrize('damage', ['cut', 'empty', 'text'])
def test_a_damaged_image_is_reported_with_its_source_and_not_placed(
    source, place, tmp_path, damage
):
    path = source / 'images' / 'A172' / NAMES[1]
    content = {'cut': path.read_bytes()[:-50], 'empty': b'', 'text': b'<html>'}
    path.write_bytes(content[damage])
    records = place(source, 'copy')
    assert str(path) in records[NAMES[1]]['problem']
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
        NAMES[0],
        NAMES[2],
    ]
    tifffile.imwrite(path, np.full((20, 31), 7, np.uint8))
    assert 'problem' not in place(source, 'copy')[NAMES[1]]


def test_an_unknown_way_is_refused(source, place):
    with pytest.raises(BadConfigError, match='one of link, copy, symlink, go'):
        place(source, 'move')
