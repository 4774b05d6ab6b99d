from pathlib import Path

import pytest

from cupre_mm.utils.doctor import torch_checks
from cupre_mm.utils.doctor.probing import Outcome
from cupre_mm.utils.doctor.state import State
from cupre_mm.utils.doctor.torch_checks import (
    check_gpu,
    check_torch,
    compile_mmcv,
    runs_on,
)
from tests.fake_site import install

CPU = {
    'version': '2.11.0',
    'cuda': None,
    'hip': None,
    'threads': 2,
    'arch_list': [],
    'gpus': [],
}
CUDA = {**CPU, 'cuda': '13.0', 'arch_list': ['sm_80', 'sm_90']}
H100 = {
    'name': 'H100',
    'capability': [9, 0],
    'memory_gib': 79.1,
    'free_gib': 78.0,
}
SEEN = ['H100, 81559 MiB, driver 580.1']


def state(torch, **others):
    outcomes = {'torch': Outcome(torch), **others}
    return State(Path('d'), Path('w'), Path(), 5, outcomes)


def gpu(monkeypatch, torch, seen, error=''):
    monkeypatch.setattr(torch_checks, '_nvidia_smi', lambda: seen)
    total = {'gpu_sum:cuda': Outcome(error=error)}
    (finding,) = check_gpu(state(torch, **total))
    return finding


def test_no_gpu_is_fine(monkeypatch):
    assert gpu(monkeypatch, CPU, []).status == 'ok'


def test_gpu_that_torch_computes_on_is_fine(monkeypatch):
    found = gpu(monkeypatch, {**CUDA, 'gpus': [H100]}, SEEN)
    assert found.status == 'ok'
    assert 'H100, 79.1 GiB (78.0 free), capability 9.0' in found.summary
    assert found.summary.endswith('driver 580.1')


def test_gpu_without_kernels_is_a_problem(monkeypatch):
    old = {**H100, 'name': 'P100', 'capability': [6, 0]}
    found = gpu(monkeypatch, {**CUDA, 'gpus': [old]}, SEEN, 'no kernel image')
    assert found.status == 'problem'
    assert 'cannot compute on P100: no kernel image' in found.summary


def test_cpu_build_beside_a_gpu_is_a_warning(monkeypatch):
    found = gpu(monkeypatch, CPU, SEEN)
    assert found.status == 'warning'
    assert 'is a CPU build' in found.summary
    assert 'torch==2.11.0' in found.mend[0]
    assert 'MMCV_WITH_OPS=1' in found.mend[-1]


def test_gpu_that_torch_does_not_see_is_a_warning(monkeypatch):
    found = gpu(monkeypatch, CUDA, SEEN)
    assert found.status == 'warning'
    assert 'CUDA_VISIBLE_DEVICES' in found.summary


@pytest.mark.parametrize(
    ('capability', 'targets', 'expected'),
    [
        ([8, 6], ['sm_80'], True),
        ([8, 0], ['sm_86'], False),
        ([9, 0], ['sm_80'], False),
        ([9, 0], ['sm_90a'], True),
        ([9, 0], ['sm_80', 'compute_80'], True),
        ([7, 5], ['compute_80'], False),
        ([12, 0], ['sm_120'], True),
        ([12, 0], ['sm_100'], False),
        ([9, 0], ['gfx90a'], False),
    ],
)
def test_gpu_runs_code_of_its_major_version(capability, targets, expected):
    assert runs_on(capability, targets) is expected


def test_torch_below_the_minimum_is_a_problem():
    old = {**CPU, 'version': '2.3.1+cpu'}
    found, _ = check_torch(state(old, **{'import:torchvision': Outcome()}))
    assert found.status == 'problem'
    assert 'at least 2.4 is needed' in found.summary


def test_torchvision_of_another_torch_is_a_problem():
    error = 'RuntimeError: operator torchvision::nms does not exist'
    broken = {'import:torchvision': Outcome(error=error)}
    _, found = check_torch(state(CPU, **broken))
    assert found.status == 'problem'
    assert error in found.summary
    assert '--force-reinstall torch==' in found.mend[0]


def test_import_error_for_want_of_pkg_resources_names_setuptools():
    error = "ModuleNotFoundError: No module named 'pkg_resources'"
    outcomes = {
        'torch': Outcome(error=error),
        'import:torchvision': Outcome(error=error),
    }
    found, _ = check_torch(State(Path(), Path(), Path(), 5, outcomes))
    assert found.mend == ('pip install "setuptools>=77,<81"',)


def test_upstream_mmcv_is_compiled_as_what_it_is(tmp_path, monkeypatch):
    install(tmp_path, {'mmcv': '2.1.0'})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert compile_mmcv()[-1].endswith('--no-binary mmcv mmcv==2.1.0')
