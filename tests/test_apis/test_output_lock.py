import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cupre_mm.apis.output_lock import OWNER, locked_folder
from cupre_mm.utils.errors import BadConfigError
from tests.checkout import ROOT

HOLDS = """
import sys, time
from pathlib import Path
from cupre_mm.apis.output_lock import locked_folder
with locked_folder(Path(sys.argv[1])):
    print('locked', flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen]:
    """Another process that has the folder locked."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLDS, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == 'locked\n'
        yield process
        process.kill()


def test_a_second_run_is_told_who_has_the_folder(tmp_path, other):
    before = (tmp_path / OWNER).read_text()
    with (
        pytest.raises(BadConfigError, match='choose another') as stop,
        locked_folder(tmp_path),
    ):
        raise AssertionError('both have it')
    assert f'process {other.pid} on ' in str(stop.value)
    assert str(tmp_path) in str(stop.value)
    assert (tmp_path / OWNER).read_text() == before


@pytest.mark.skipif(os.name == 'nt', reason='no SIGKILL')
def test_the_lock_of_a_killed_run_is_gone_with_it(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait(timeout=60)
    assert (tmp_path / OWNER).exists()
    with locked_folder(tmp_path):
        owner = json.loads((tmp_path / OWNER).read_text())
    assert owner['pid'] == os.getpid()
    assert not (tmp_path / OWNER).exists()


def test_the_folder_is_free_after_an_error(tmp_path):
    out = tmp_path / 'new' / 'out'
    with pytest.raises(ZeroDivisionError), locked_folder(out):
        raise ZeroDivisionError
    with locked_folder(out):
        pass


def test_an_owner_that_cannot_be_read_is_another_run(tmp_path, other):
    (tmp_path / OWNER).write_text('{')
    with (
        pytest.raises(BadConfigError, match='another run writes'),
        locked_folder(tmp_path),
    ):
        pass


def test_a_file_system_without_locks_is_a_warning(
    tmp_path, monkeypatch, capsys
):
    def refuse(self):
        raise OSError(37, 'No locks available')

    monkeypatch.setattr('filelock.FileLock.acquire', refuse)
    with locked_folder(tmp_path):
        assert (tmp_path / OWNER).exists()
    assert 'without locks' in capsys.readouterr().err
