import os
from pathlib import Path

import pytest

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(root: Path, paths: str | list[str]) -> list[str]:
    files = find_images(paths, str(root), IMAGE_EXTENSIONS).files
    return [Path(os.path.relpath(file, root)).as_posix() for file in files]


def test_folder_is_searched_with_its_sub_folders_and_sorted(tmp_path: Path):
    touch(tmp_path, 'c/b/1.png', 'c/a.tif', 'c/a/2.JPG', 'c/Z.bmp', 'd/x.png')
    # By parts: a file of c/a comes before c/a.tif, whatever '/' sorts as.
    assert found(tmp_path, 'c') == [
        'c/Z.bmp',
        'c/a/2.JPG',
        'c/a.tif',
        'c/b/1.png',
    ]


def test_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch):
    names = [f'c/{i}/{k}.png' for i in range(3) for k in range(3)]
    touch(tmp_path, *names)
    walk = os.walk

    def backwards(*args, **kwargs):
        for parent, children, files in walk(*args, **kwargs):
            children.reverse()
            yield parent, children, sorted(files, reverse=True)

    monkeypatch.setattr(os, 'walk', backwards)
    assert found(tmp_path, 'c') == names


def test_hidden_files_and_folders_are_not_looked_at(tmp_path: Path):
    touch(
        tmp_path,
        'c/1.png',
        'c/._1.png',
        'c/.thumbnails/1.png',
        'c/__MACOSX/1.png',
    )
    assert found(tmp_path, 'c') == ['c/1.png']


def test_files_of_other_kinds_are_counted(tmp_path: Path):
    touch(tmp_path, 'c/1.png', 'c/a.csv', 'c/b.csv', 'c/README')
    result = find_images('c', str(tmp_path), IMAGE_EXTENSIONS)
    assert result.passed_over == {'.csv': 2, '(none)': 1}


def test_extensions_choose_the_files(tmp_path: Path):
    touch(tmp_path, 'c/1.png', 'c/1_w1.TIF', 'c/1_w2.TIF')
    files = find_images('c', str(tmp_path), ['_w1.tif']).files
    assert [Path(file).name for file in files] == ['1_w1.TIF']


@pytest.mark.parametrize(
    ('pattern', 'names'),
    [
        ('c/*.png', ['c/1.png', 'c/2.png']),
        ('c/**/*.png', ['c/1.png', 'c/2.png', 'c/x/3.png']),
        ('c/**', ['c/1.png', 'c/2.png', 'c/x/3.png', 'c/x/4.jpg']),
        ('c/[13].png', ['c/1.png']),
        # Folders that match are searched as folders are.
        ('c/?', ['c/x/3.png', 'c/x/4.jpg']),
    ],
)
def test_glob_pattern(tmp_path: Path, pattern: str, names: list[str]):
    touch(tmp_path, 'c/2.png', 'c/1.png', 'c/x/3.png', 'c/x/4.jpg', 'c/x/5.py')
    assert found(tmp_path, pattern) == names


def test_brackets_in_the_root_are_no_pattern(tmp_path: Path):
    root = tmp_path / 'batch [1]'
    touch(root, 'c/1.png', 'c/2.png')
    assert found(root, 'c/*.png') == ['c/1.png', 'c/2.png']
    assert found(root, 'c') == ['c/1.png', 'c/2.png']
    with pytest.raises(MissingDataError, match='no such file or folder'):
        found(root, 'none')


def test_list_file_keeps_its_order_and_takes_any_extension(tmp_path: Path):
    touch(tmp_path, 'c/2.png', 'c/1.png', 'c/3.stk')
    lines = ['c/2.png', '', f'  {tmp_path}/c/1.png ', 'c/3.stk', 'c/2.png']
    (tmp_path / 'train.txt').write_text('\ufeff' + '\r\n'.join(lines))
    assert found(tmp_path, 'train.txt') == ['c/2.png', 'c/1.png', 'c/3.stk']


def test_list_file_with_missing_images_names_them(tmp_path: Path):
    touch(tmp_path, 'a.png')
    (tmp_path / 'train.txt').write_text('a.png\nb.png\nc.png\n')
    with pytest.raises(
        MissingDataError, match=r'2 of the 3 .*train\.txt.*b\.png, .*c\.png'
    ) as caught:
        found(tmp_path, 'train.txt')
    assert f'start from {tmp_path}' in str(caught.value)


def test_list_file_in_another_encoding_is_named(tmp_path: Path):
    (tmp_path / 'train.txt').write_text('a.png\n', encoding='utf-16')
    with pytest.raises(BadDataError, match=r'train\.txt is not UTF-8'):
        found(tmp_path, 'train.txt')


def test_paths_of_all_kinds_keep_their_order_and_give_each_file_once(
    tmp_path: Path,
):
    touch(tmp_path, 'b/1.png', 'a/1.png', 'a/2.png', 'single.jpg')
    (tmp_path / 'l.txt').write_text('a/2.png\n')
    paths = ['l.txt', 'single.jpg', 'b', 'a/*.png', 'b/1.png']
    assert found(tmp_path, paths) == [
        'a/2.png',
        'single.jpg',
        'b/1.png',
        'a/1.png',
    ]


def test_linked_folders_are_followed_but_not_without_end(tmp_path: Path):
    touch(tmp_path, 'store/1.png')
    (tmp_path / 'c').mkdir()
    (tmp_path / 'c/link').symlink_to(tmp_path / 'store')
    (tmp_path / 'store/up').symlink_to(tmp_path / 'store')
    assert found(tmp_path, 'c') == ['c/link/1.png']


@pytest.mark.parametrize('path', ['none', 'none.png', 'none.txt'])
def test_missing_path_is_named(tmp_path: Path, path: str):
    with pytest.raises(
        MissingDataError, match=f'no such file or folder: {tmp_path}/{path}'
    ):
        found(tmp_path, path)


def test_pattern_without_match_is_named(tmp_path: Path):
    with pytest.raises(MissingDataError, match=r'matches the pattern .*\*\.p'):
        found(tmp_path, 'c/*.png')
