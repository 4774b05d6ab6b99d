"""Slots and what their processes see of the machine."""

import pytest

from cupre_mm.utils.benchmark_grid import devices
from cupre_mm.utils.benchmark_grid.devices import make_slots
from cupre_mm.utils.errors import BadConfigError


@pytest.fixture
def machine(monkeypatch):
    """Eight cores, and GPUs 2 and 5 of a node."""
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(devices, '_cores', lambda: 8)
    monkeypatch.setattr(devices, '_visible_gpus', lambda: ['2', '5'])


@pytest.mark.usefixtures('machine')
def test_slots_share_cores_and_name_gpus_as_the_machine_does():
    slots = make_slots(None, ['cuda:1', 'cpu'], None)
    assert [slot.environment for slot in slots] == [
        {'CUDA_VISIBLE_DEVICES': '5', 'OMP_NUM_THREADS': '4'},
        {'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '4'},
    ]
    jobs = make_slots(3, None, 'float16')
    assert [slot.device for slot in jobs] == ['cuda:0', 'cuda:1', 'cuda:0']
    assert len(make_slots(None, None, None)) == 2


@pytest.mark.usefixtures('machine')
def test_the_callers_number_of_threads_stays(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    (slot,) = make_slots(1, None, None)
    assert slot.environment['OMP_NUM_THREADS'] == '1'


@pytest.mark.usefixtures('machine')
@pytest.mark.parametrize('device', ['cuda:2', 'tpu', 'cuda:x'])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(BadConfigError, match=device):
        make_slots(None, [device], None)


@pytest.mark.usefixtures('machine')
def test_float16_on_the_cpu_is_refused():
    with pytest.raises(BadConfigError, match='bfloat16'):
        make_slots(None, ['cpu'], 'float16')
