"""Claims of tasks: one owner, and none after its death."""

import json
import os
import subprocess
import sys
import time

from cupre_mm.utils.benchmark_grid import claims
from cupre_mm.utils.benchmark_grid.claims import (
    NAME,
    Claim,
    is_claimed,
    process_identity,
)


def dead_process() -> dict:
    """Identity of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)
    identity = process_identity(process.pid)
    process.communicate(b'\n')
    return identity


def write(folder, **content) -> None:
    (folder / NAME).write_text(json.dumps({'token': 'x', **content}))


def test_one_has_it_until_it_is_released(tmp_path):
    first, second = Claim(tmp_path), Claim(tmp_path)
    assert first.take()
    assert is_claimed(tmp_path)
    assert not second.take()
    first.release()
    assert not is_claimed(tmp_path)
    assert second.take()
    # Not one's own any more.
    first.release()
    assert is_claimed(tmp_path)
    second.release()
    assert [*tmp_path.iterdir()] == []


def test_that_of_a_dead_process_is_taken_over(tmp_path):
    write(tmp_path, owner=dead_process())
    assert not is_claimed(tmp_path)
    claim = Claim(tmp_path)
    assert claim.take()
    assert is_claimed(tmp_path)
    claim.release()


def test_it_lasts_while_the_child_of_a_dead_process_lives(tmp_path):
    write(tmp_path, owner=dead_process(), child=process_identity(os.getpid()))
    assert is_claimed(tmp_path)
    assert not Claim(tmp_path).take()


def test_a_later_process_of_the_same_number_is_another(tmp_path):
    owner = {**process_identity(os.getpid()), 'start': '1'}
    write(tmp_path, owner=owner)
    assert not is_claimed(tmp_path)


def test_that_of_another_machine_lasts_while_it_is_touched(tmp_path):
    write(tmp_path, owner=dict(host='elsewhere', boot='b', pid=1))
    assert not Claim(tmp_path).take()
    old = time.time() - claims._GONE_SECONDS - 60
    os.utime(tmp_path / NAME, (old, old))
    claim = Claim(tmp_path)
    assert claim.take()
    claim.release()


def test_an_owner_sees_that_it_was_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, '_BEAT_SECONDS', 0.01)
    claim = Claim(tmp_path)
    assert claim.take()
    write(tmp_path, owner=process_identity(os.getpid()))
    end = time.monotonic() + 60
    while not claim.is_lost:
        assert time.monotonic() < end
        time.sleep(0.01)
    claim.release()
    assert json.loads((tmp_path / NAME).read_text())['token'] == 'x'
