import io
import lzma
import os
import tarfile

import pytest

from cupre_mm.utils.archives import open_source, unpack
from cupre_mm.utils.errors import BadDataError
from tests.malicious_archives import write_tar

FILES = {'./a/one.txt': b'one', 'a/b/two.txt': b'two' * 99, 'three': b''}
NAMES = ('a/b/two.txt', 'a/one.txt', 'three')


def refused(path, match, out=None):
    with pytest.raises(BadDataError, match=match), open_source(path) as tree:
        unpack(tree, path.parent / 'out')
    assert not (path.parent / 'out').exists()


@pytest.mark.parametrize(
    ('suffix', 'mode'),
    [
        ('.tar', 'w'),
        ('.tar.gz', 'w:gz'),
        ('.tgz', 'w:gz'),
        ('.tar.bz2', 'w:bz2'),
        ('.tar.xz', 'w:xz'),
    ],
)
def test_a_tar_looks_like_its_folder(tmp_path, suffix, mode):
    path = write_tar(tmp_path / f'data{suffix}', FILES, mode)
    with open_source(path) as tree:
        assert tree.names == NAMES
        assert tree.in_stored_order() == (NAMES[1], NAMES[0], NAMES[2])
        assert unpack(tree, tmp_path / 'out') == (3, 0)
        assert unpack(tree, tmp_path / 'out') == (0, 3)
        with open_source(tmp_path / 'out') as folder:
            for name in NAMES:
                assert tree.read(name) == folder.read(name)
                assert tree.checksum(name) == folder.checksum(name)
                assert tree.size(name) == folder.size(name)


def test_a_file_through_a_link_is_refused(tmp_path):
    outside = tmp_path / 'outside'
    outside.mkdir()
    path = write_tar(
        tmp_path / 'slip.tar',
        {'folder': ('link', str(outside)), 'folder/evil.txt': b'evil'},
    )
    refused(path, r"its entry 'folder' is a link \(to '.*outside'\)")
    assert os.listdir(outside) == []


@pytest.mark.parametrize(
    ('entry', 'match'),
    [
        (('link', 'a.txt'), 'is a link'),
        (('hard link', '../../etc/passwd'), 'is a link'),
        (('device', ''), 'is a device'),
        (('pipe', ''), 'is a device, a pipe'),
    ],
)
def test_what_is_no_file_is_refused(tmp_path, entry, match):
    path = write_tar(tmp_path / 'x.tar', {'a.txt': b'a', 'b': entry})
    refused(path, match)


@pytest.mark.parametrize('name', ['/etc/evil', '../evil', 'a/../../evil'])
def test_entries_that_leave_the_target_are_refused(tmp_path, name):
    refused(write_tar(tmp_path / 'x.tar', {name: b'evil'}), 'points outside')


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    path = write_tar(tmp_path / 'x.tar', {'a': b'1', './a': b'2'})
    refused(path, "holds 'a' twice")


@pytest.mark.parametrize('suffix', ['gz', 'bz2', 'xz'])
def test_a_packed_bomb_is_refused_before_it_is_unpacked(
    tmp_path, monkeypatch, suffix
):
    monkeypatch.setattr(
        'cupre_mm.utils.archive_limits.RATIO_FREE_BYTES', 1 << 20
    )
    entry = tarfile.TarInfo('zeros.bin')
    entry.size = 4 << 20
    path = tmp_path / f'bomb.tar.{suffix}'
    with tarfile.open(path, f'w:{suffix}') as archive:
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    refused(path, r'bomb\.tar\.\w+ is refused: it would grow from')


def test_a_header_that_asks_for_much_memory_is_refused(tmp_path):
    long_name = tarfile.TarInfo('././@LongLink')
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 40 << 20
    path = tmp_path / 'header.tar.xz'
    with lzma.open(path, 'wb') as file:
        file.write(long_name.tobuf() + bytes(long_name.size))
    refused(path, r'metadata have \d+ bytes')


def test_a_sparse_file_is_refused(tmp_path):
    header = tarfile.TarInfo('sparse')
    header.type = tarfile.GNUTYPE_SPARSE
    header.size = 512
    path = tmp_path / 'sparse.tar'
    path.write_bytes(header.tobuf() + bytes(512 * 5))
    refused(path, 'sparse file|not a tar')


@pytest.mark.parametrize('keep', [700, 1024, 1500])
def test_a_tar_that_was_cut_off_is_named(tmp_path, keep):
    path = write_tar(tmp_path / 'cut.tar', {'a': b'a' * 400, 'b': b'b' * 400})
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, r'cut\.tar .*cut off')


def test_what_is_no_tar_is_named(tmp_path):
    (tmp_path / 'page.tar.gz').write_bytes(b'<html>not found</html>')
    refused(tmp_path / 'page.tar.gz', r'\(22 bytes\) is not a tar archive')
