"""Archives that grow beyond all measure, and names that do harm."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cupre_mm.utils.archive_limits import ArchiveLimits, check_free_space
from cupre_mm.utils.archives import open_source, unpack
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.zip_tree import ZipTree
from tests.malicious_archives import (
    state_other_size,
    write_bomb,
    write_overlapping,
)

ROOT = Path(__file__).resolve().parents[2]


def refused(path, match):
    with pytest.raises(BadDataError, match=match), open_source(path):
        pass


def test_a_real_bomb_of_a_thousand_to_one_is_refused(tmp_path):
    path = write_bomb(tmp_path / 'bomb.zip', 80 << 20)
    assert (80 << 20) / path.stat().st_size > 900
    refused(path, r"bomb\.zip is refused: its entry 'zeros\.bin' would grow")


def test_small_entries_may_be_packed_as_tight_as_they_can(tmp_path):
    path = write_bomb(tmp_path / 'blank_masks.zip', 2 << 20)
    with open_source(path) as tree:
        assert unpack(tree, tmp_path / 'out') == (1, 0)
    assert (tmp_path / 'out/zeros.bin').stat().st_size == 2 << 20


def test_the_ratio_of_the_whole_counts_small_entries_too(tmp_path):
    path = tmp_path / 'many.zip'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f'{number}.bin', bytes(15 << 20))
    refused(path, 'refused: it would grow from')


def test_entries_that_share_their_bytes_are_refused(tmp_path):
    refused(
        write_overlapping(tmp_path / 'overlap.zip'),
        r"'x0000\.txt' overlaps the next one",
    )


@pytest.mark.parametrize('stated', [10, 3 << 20])
def test_a_size_that_is_not_that_of_the_header_is_found(tmp_path, stated):
    path = write_bomb(tmp_path / 'lie.zip', 2 << 20)
    state_other_size(path, stated)
    with (
        open_source(path) as tree,
        pytest.raises(BadDataError, match=r"'zeros\.bin' of .*lie\.zip"),
    ):
        unpack(tree, tmp_path / 'out')
    assert not list((tmp_path / 'out').iterdir())


def test_bzip2_in_a_zip_is_refused(tmp_path):
    path = write_bomb(tmp_path / 'bzip2.zip', 1 << 20, zipfile.ZIP_BZIP2)
    refused(path, 'packed by bzip2')


def test_memory_stays_small_whatever_is_unpacked(tmp_path):
    """The headers say 10 bytes, the data are 200 MiB."""
    path = write_bomb(tmp_path / 'bomb.zip', 200 << 20, zipfile.ZIP_DEFLATED)
    state_other_size(path, 10)
    script = (
        'import resource, sys; from pathlib import Path\n'
        'from cupre_mm.utils.archives import open_source, unpack\n'
        'peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n'
        'before = peak()\n'
        'try:\n'
        '    with open_source(sys.argv[1]) as tree:\n'
        '        unpack(tree, Path(sys.argv[2]))\n'
        'except ValueError as error: print(error)\n'
        'print((peak() - before) // 1024)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', script, str(path), str(tmp_path / 'out')],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    message, grown = done.stdout.splitlines()
    assert 'cannot read' in message
    assert int(grown) < 100


def test_limits_come_from_the_environment(tmp_path, monkeypatch):
    path = tmp_path / 'data.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        for number in range(4):
            archive.writestr(f'{number}.txt', b'x' * 3000)
    monkeypatch.setenv('CUPRE_ARCHIVE_MAX_ENTRIES', '3')
    refused(path, 'more than 3 entries.*CUPRE_ARCHIVE_MAX_ENTRIES')
    monkeypatch.setenv('CUPRE_ARCHIVE_MAX_ENTRIES', '4')
    monkeypatch.setenv('CUPRE_ARCHIVE_MAX_GIB', '1e-5')
    refused(path, 'take more than .* unpacked.*CUPRE_ARCHIVE_MAX_GIB')
    monkeypatch.setenv('CUPRE_ARCHIVE_MAX_GIB', 'many')
    with pytest.raises(BadConfigError, match="MAX_GIB='many'"):
        ArchiveLimits.from_environment()


def test_the_defaults_let_large_public_sets_pass():
    limits = ArchiveLimits()
    assert limits.max_bytes > 5 * (20 << 30)
    assert limits.max_entries > 5 * 118_287


def test_a_raised_ratio_lets_a_bomb_pass(tmp_path, monkeypatch):
    path = write_bomb(tmp_path / 'bomb.zip', 80 << 20)
    monkeypatch.setenv('CUPRE_ARCHIVE_MAX_RATIO', '2000')
    with open_source(path) as tree:
        assert tree.names == ('zeros.bin',)


@pytest.mark.parametrize(
    ('names', 'match'),
    [
        (['A/x.png', 'a/X.png'], 'one file on some systems'),
        (['\u00e9.png', 'e\u0301.png'], 'one file on some systems'),
        (['./a.png', 'a.png'], 'twice'),
        (['a', 'a/b.png'], 'a file and a folder'),
        (['a/b.png', 'A'], 'a file and a folder'),
        (['x/' * 40 + 'a.png'], 'folders deep'),
        (['a\nb.png'], 'control characters'),
        (['a\x1b[2Jb.png'], 'control characters'),
    ],
)
def test_names_that_are_not_safe_everywhere_are_refused(
    tmp_path, names, match
):
    path = tmp_path / 'names.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.writestr(name, b'x')
    refused(path, match)


def test_a_name_cut_by_a_zero_byte_is_refused(tmp_path):
    path = tmp_path / 'zero.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('ab_evil.txt', b'x')
    path.write_bytes(path.read_bytes().replace(b'ab_evil', b'ab\0evil'))
    refused(path, 'control characters')


def test_a_device_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo('dev')
    entry.external_attr = 0o020666 << 16
    with zipfile.ZipFile(tmp_path / 'dev.zip', 'w') as archive:
        archive.writestr(entry, b'')
    refused(tmp_path / 'dev.zip', 'a device or a pipe')


def test_too_little_disk_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(BadDataError, match=r'unpacking takes .* are free'):
        check_free_space(tmp_path / 'not/there', 1 << 60)
    check_free_space(tmp_path / 'not/there', 1)
    assert os.listdir(tmp_path) == []


def test_a_large_file_is_not_read_at_once(tmp_path, monkeypatch):
    path = write_bomb(tmp_path / 'large.zip', 2 << 20)
    monkeypatch.setattr('cupre_mm.utils.zip_tree.MAX_BYTES_IN_MEMORY', 1 << 20)
    tree = ZipTree(path)
    with pytest.raises(BadDataError, match=r'read out of an archive at once'):
        tree.read('zeros.bin')
    assert unpack(tree, tmp_path / 'out') == (1, 0)
    tree.close()
