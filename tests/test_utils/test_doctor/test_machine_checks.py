import resource
from collections import namedtuple
from pathlib import Path

import pytest

from cupre_mm.utils.doctor import machine_checks
from cupre_mm.utils.doctor.machine_checks import (
    check_disk,
    check_open_files,
    check_shared_memory,
)
from cupre_mm.utils.doctor.state import State

Usage = namedtuple('Usage', 'total used free')


def state(tmp_path, min_free_gb=5.0):
    return State(tmp_path / 'data', tmp_path / 'runs', tmp_path, min_free_gb)


def pretend_free(monkeypatch, gb):
    usage = Usage(int(8e9), 0, int(gb * 1e9))
    monkeypatch.setattr(
        machine_checks.shutil, 'disk_usage', lambda path: usage
    )


def test_enough_space_is_fine_and_the_estimate_is_told(tmp_path, monkeypatch):
    pretend_free(monkeypatch, 7)
    (found,) = check_disk(state(tmp_path))
    assert found.status == 'ok'
    assert 'writes 2.4 GB' in found.summary
    assert found.details['runs']['free_gb'] == 7
    # Looking does not make the folders.
    assert list(tmp_path.iterdir()) == []


def test_too_little_for_a_run_is_a_problem(tmp_path, monkeypatch):
    pretend_free(monkeypatch, 3)
    (found,) = check_disk(state(tmp_path))
    assert found.status == 'problem'
    assert 'too little for runs (wants 5 GB)' in found.summary
    assert found.mend[0] == f'du -xh {tmp_path} | sort -h | tail'


def test_too_little_for_downloads_is_a_warning(tmp_path, monkeypatch):
    pretend_free(monkeypatch, 0.5)
    (found,) = check_disk(state(tmp_path, min_free_gb=0))
    assert found.status == 'warning'
    assert 'torch cache (wants 1 GB)' in found.summary


def test_folder_that_cannot_be_written_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_checks.os, 'access', lambda path, mode: False)
    (found,) = check_disk(state(tmp_path, min_free_gb=0))
    assert found.status == 'problem'
    assert f'{tmp_path} (runs)' in found.summary


def test_cache_is_where_torch_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    (found,) = check_disk(state(tmp_path))
    assert found.details['torch cache']['path'] == str(tmp_path / 'hub')


@pytest.mark.parametrize(
    ('gb', 'status'), [(2, 'ok'), (0.5, 'warning'), (0.064, 'problem')]
)
def test_shared_memory_of_a_container_is_told(
    tmp_path, monkeypatch, gb, status
):
    pretend_free(monkeypatch, gb)
    (found,) = check_shared_memory(state(tmp_path), tmp_path)
    assert found.status == status
    assert ('--shm-size' in ''.join(found.mend)) == (status != 'ok')


def test_missing_shared_memory_is_a_warning(tmp_path):
    (found,) = check_shared_memory(state(tmp_path), tmp_path / 'absent')
    assert found.status == 'warning'


@pytest.mark.parametrize(
    ('limits', 'status'),
    [
        ((256, 4096), 'warning'),
        ((1024, 4096), 'ok'),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 'ok'),
    ],
)
def test_few_open_files_are_a_warning(monkeypatch, limits, status):
    monkeypatch.setattr(
        machine_checks.resource, 'getrlimit', lambda what: limits
    )
    (found,) = check_open_files(state(Path()))
    assert found.status == status
