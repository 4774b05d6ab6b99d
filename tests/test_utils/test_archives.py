import os
import stat
import zipfile

import pytest

from cupre_mm.utils.archives import open_source, unpack
from cupre_mm.utils.errors import BadDataError, MissingDataError

FILES = {'a/one.txt': b'one', 'a/b/two.txt': b'two' * 99, 'three.txt': b''}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'folder'
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / 'data.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
        file.mkdir('a')
        for name, content in FILES.items():
            file.writestr(name, content)
    return path


def test_zip_and_folder_look_alike(folder, archive):
    with open_source(folder) as left, open_source(archive) as right:
        assert left.names == right.names == tuple(sorted(FILES))
        for name, content in FILES.items():
            assert left.read(name) == right.read(name) == content
            assert left.checksum(name) == right.checksum(name)


def test_linked_folders_are_followed_and_loops_end(folder, tmp_path):
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'far.txt').write_text('far')
    (folder / 'link').symlink_to(outside)
    (folder / 'a' / 'loop').symlink_to(folder)
    with open_source(folder) as tree:
        assert tree.names == tuple(sorted([*FILES, 'link/far.txt']))


def test_missing_path_ends_with_the_hint(tmp_path):
    with (
        pytest.raises(MissingDataError, match=r'gone does not exist\. Get it'),
        open_source(tmp_path / 'gone', 'Get it there'),
    ):
        pass


@pytest.mark.parametrize('name', ['../evil.txt', 'a/../../evil', '/etc/evil'])
def test_entries_that_leave_the_target_are_refused(tmp_path, name):
    path = tmp_path / 'slip.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('good.txt', b'good')
        file.writestr(name, b'evil')
    with (
        pytest.raises(BadDataError, match='points outside the folder'),
        open_source(path) as tree,
    ):
        unpack(tree, tmp_path / 'out')
    assert os.listdir(tmp_path) == ['slip.zip']


@pytest.mark.parametrize('name', ['..\\evil.txt', 'C:evil.txt'])
def test_windows_paths_are_refused(tmp_path, name):
    path = tmp_path / 'slip.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr(name, b'evil')
    with (
        pytest.raises(BadDataError, match='backslash or a colon'),
        open_source(path),
    ):
        pass


def test_symbolic_links_in_a_zip_are_refused(tmp_path):
    path = tmp_path / 'link.zip'
    entry = zipfile.ZipInfo('link')
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr(entry, '/etc/passwd')
    with (
        pytest.raises(BadDataError, match="'link' is a symbolic link"),
        open_source(path),
    ):
        pass


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_a_name_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / 'twice.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('x.txt', b'1')
        file.writestr('x.txt', b'2')
    with (
        pytest.raises(BadDataError, match=r"'x\.txt' twice"),
        open_source(path),
    ):
        pass


def test_a_cut_off_zip_is_named(archive):
    archive.write_bytes(archive.read_bytes()[:-40])
    with (
        pytest.raises(BadDataError, match=r'data\.zip .* is cut off'),
        open_source(archive),
    ):
        pass


def test_a_damaged_entry_is_named(tmp_path):
    path = tmp_path / 'damaged.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as file:
        file.writestr('x.txt', b'original content')
    path.write_bytes(path.read_bytes().replace(b'original', b'orXginal'))
    with (
        open_source(path) as tree,
        pytest.raises(BadDataError, match=r"'x\.txt' of .*damaged\.zip"),
    ):
        tree.read('x.txt')


def test_an_unreadable_file_of_a_folder_is_named(folder):
    with open_source(folder) as tree:
        (folder / 'three.txt').unlink()
        with pytest.raises(BadDataError, match=r'cannot read .*three\.txt'):
            tree.read('three.txt')


def test_unpacking_again_writes_only_what_differs(archive, tmp_path):
    out = tmp_path / 'out'
    with open_source(archive) as tree:
        assert unpack(tree, out) == (3, 0)
        (out / 'a' / 'one.txt').write_bytes(b'0ne')
        (out / 'three.txt').unlink()
        assert unpack(tree, out) == (2, 1)
    for name, content in FILES.items():
        assert (out / name).read_bytes() == content
