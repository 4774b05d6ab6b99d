import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils.cell_preparation.raw_sources import (
    RawSource,
    list_files,
    parse_raw_sources,
    unmatched_patterns,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / 'cells'
    for name in ('b.png', 'a.TIF', 'day/a.bmp', 'day/a_masks.png'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.zeros((4, 5), np.uint8))
        image.save(root / name)
    (root / 'notes.md').write_text('')
    (root / '.hidden.png').write_text('')
    return root


def names_of(path: Path | str, *exclude: str) -> list[str]:
    listing = list_files(RawSource('x', str(path)), exclude)
    return [file.name for file in listing.files]


def test_a_folder_a_pattern_a_list_a_file_and_a_zip(folder: Path):
    tree = ['a.TIF', 'b.png', 'day/a.bmp', 'day/a_masks.png']
    assert names_of(folder) == tree
    assert names_of(f'{folder}/*/*.bmp') == ['day/a.bmp']
    assert names_of(f'{folder}/**/a*') == [tree[0], tree[2], tree[3]]
    assert names_of(folder / 'day' / 'a.bmp') == ['a.bmp']
    listed = folder / 'some.txt'
    listed.write_text(f'{folder}/day/a.bmp\n{folder}/b.png\n')
    assert names_of(listed) == ['b.png', 'day/a.bmp']
    archive = folder.parent / 'cells.zip'
    with zipfile.ZipFile(archive, 'w') as out:
        for file in sorted(folder.rglob('*.*')):
            out.write(file, file.relative_to(folder))
    assert names_of(archive) == tree
    listing = list_files(RawSource('x', str(archive)))
    assert listing.passed_over == {'.md': 1, '.txt': 1}


def test_files_listed_elsewhere_have_their_whole_path(folder: Path):
    listed = folder.parent / 'lists' / 'some.txt'
    listed.parent.mkdir()
    listed.write_text(f'{folder}/b.png\n')
    [name] = names_of(listed)
    assert f'/{name}' == (folder / 'b.png').as_posix()


def test_patterns_exclude_by_name_or_by_path(folder: Path):
    assert names_of(folder, '*_masks*') == ['a.TIF', 'b.png', 'day/a.bmp']
    assert names_of(folder, 'day/*') == ['a.TIF', 'b.png']
    listing = list_files(RawSource('x', str(folder)), ['*_masks*', '*.gif'])
    assert listing.excluded == ['day/a_masks.png']
    assert unmatched_patterns(['*_masks*', '*.gif'], [listing]) == ['*.gif']


def test_a_file_that_changes_is_noticed(folder: Path):
    source = RawSource('x', str(folder))
    before = {f.name: f.fingerprint for f in list_files(source).files}
    os.utime(folder / 'b.png', (1, 1))
    after = {f.name: f.fingerprint for f in list_files(source).files}
    assert {n for n in before if before[n] != after[n]} == {'b.png'}


def test_names_of_sources(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    arguments = ['day', '.', 'mine=day', 'a.TIF', 'day/*.bmp', '*/a.*']
    named = [
        parse_raw_sources([argument])[0].name
        for argument in arguments
        if argument != '*/a.*'
    ]
    assert named == ['day', 'cells', 'mine', 'a', 'day']
    assert parse_raw_sources(['*/a.*'])[0].name == 'cells'
    (folder / 'x=y').mkdir()
    assert parse_raw_sources(['x=y'])[0] == RawSource('x=y', 'x=y')


def test_two_sources_of_one_name_are_refused():
    with pytest.raises(BadConfigError, match=r'called .images.*images_1='):
        parse_raw_sources(['one/images', 'two/Images'][:1] * 2)


@pytest.mark.parametrize('argument', ['../x=day', '=day', '..=day', 'x='])
def test_names_that_are_no_folder_are_refused(
    argument: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    if argument == '../x=day':
        # A path with an equals sign, then, which is not there.
        with pytest.raises(MissingDataError, match='no such file'):
            list_files(parse_raw_sources([argument])[0])
        return
    with pytest.raises(BadConfigError, match='name'):
        parse_raw_sources([argument])


def test_a_source_without_images_is_named(tmp_path: Path):
    (tmp_path / 'notes.md').write_text('')
    with pytest.raises(MissingDataError, match=r'no image file.*1 \.md'):
        names_of(tmp_path)
