import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from mmengine.runner.checkpoint import save_checkpoint

from cupre_mm.utils import whole_file
from cupre_mm.utils.errors import NoSpaceError
from cupre_mm.utils.whole_file import (
    BACKEND,
    remove_stale_parts,
    write_whole_file,
)
from tests.forked import in_process, wait_for

MEGABYTE = 2**20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte, where this process may mount one."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip('no right to mount a disk')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


@pytest.fixture
def largest_file():
    """No file may be larger than a megabyte, as under a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_for_ever(path: Path) -> None:
    for number in range(1_000_000):
        value = torch.full((20_000,), number)
        save_checkpoint(
            {'state_dict': {'w': value}},
            str(path),
            backend_args={'backend': BACKEND},
        )


def test_killed_writers_leave_a_whole_file_each_time(tmp_path):
    path = tmp_path / 'iter_1.pth'
    random.seed(0)
    parts = 0
    for _ in range(20):
        path.unlink(missing_ok=True)
        process = in_process(write_for_ever, path)
        wait_for(path.is_file)
        time.sleep(random.random() * 0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        weights = torch.load(path)['state_dict']['w']
        assert len(weights.unique()) == 1
        parts += len(list(tmp_path.glob('.*')))
        remove_stale_parts(tmp_path)
        assert [one.name for one in tmp_path.iterdir()] == ['iter_1.pth']
    # Otherwise none was killed while it wrote, and nothing was tested.
    assert parts


def test_a_full_disk_leaves_the_file_that_was_there(small_disk):
    path = small_disk / 'iter_1.pth'
    write_whole_file(path, b'a' * 600_000)
    with pytest.raises(NoSpaceError) as caught:
        write_whole_file(path, b'b' * 600_000)
    message = str(caught.value)
    for part in (str(path), '600,000 bytes', 'bytes free', 'No space left'):
        assert part in message
    assert path.read_bytes() == b'a' * 600_000
    assert list(small_disk.iterdir()) == [path]


@pytest.mark.usefixtures('largest_file')
def test_a_file_over_the_limit_leaves_nothing(tmp_path):
    path = tmp_path / 'iter_1.pth'
    with pytest.raises(NoSpaceError, match='too large'):
        write_whole_file(path, bytes(2 * MEGABYTE))
    assert not list(tmp_path.iterdir())


def test_other_errors_keep_their_type(tmp_path):
    (tmp_path / 'iter_1.pth').mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole_file(tmp_path / 'iter_1.pth', b'')
    assert [path.name for path in tmp_path.iterdir()] == ['iter_1.pth']


def test_content_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        calls.append('folder' if calls else 'file')
        fsync(descriptor)

    def named(*paths: Path) -> None:
        calls.append('name')
        replace(*paths)

    monkeypatch.setattr(os, 'fsync', synced)
    monkeypatch.setattr(os, 'replace', named)
    write_whole_file(tmp_path / 'new/file', b'1')
    assert calls == ['file', 'name', 'folder']
    assert (tmp_path / 'new/file').read_bytes() == b'1'


def part(folder: Path, host: str, process: int, age: float = 0) -> Path:
    path = folder / f'.iter_1.pth.{host}.{process}.whole-part'
    path.write_bytes(b'1')
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_parts_of_the_living_stay(tmp_path):
    host = whole_file._host()
    dead = in_process(int)
    dead.join()
    stale = [
        part(tmp_path, host, dead.pid),
        part(tmp_path, host, os.getpid()),
        part(tmp_path, 'elsewhere', 1, age=600),
        part(tmp_path, host, os.getppid(), age=600),
    ]
    living = [part(tmp_path, host, 1), part(tmp_path, 'elsewhere', 2)]
    other = tmp_path / '.mine.whole-part'
    other.touch()
    assert remove_stale_parts(tmp_path) == sorted(stale)
    assert set(tmp_path.iterdir()) == {*living, other}
    assert remove_stale_parts(tmp_path / 'absent') == []
