from pathlib import Path

import pytest

from cupre_mm.utils.doctor import library_checks
from cupre_mm.utils.doctor.library_checks import (
    STEPS,
    check_numpy,
    check_opencv,
)
from cupre_mm.utils.doctor.probing import Outcome
from cupre_mm.utils.doctor.state import State


def state(torch='', **errors):
    outcomes = {step: Outcome(error=errors.get(step, '')) for step in STEPS}
    outcomes['torch'] = Outcome(error=torch)
    return State(Path(), Path(), Path(), 5, outcomes)


@pytest.fixture
def versions(monkeypatch):
    found = {'numpy': '2.2.6'}
    monkeypatch.setattr(library_checks, 'installed_version', found.get)
    return found


def test_extension_of_another_numpy_is_a_problem(versions):
    error = 'ValueError: numpy.dtype size changed'
    broken = {'import:pycocotools.mask': error}
    (found,) = check_numpy(state(**broken))
    assert found.status == 'problem'
    assert f'pycocotools.mask: {error}' in found.summary
    assert found.mend == (
        'pip install --force-reinstall numpy==2.2.6 pycocotools==2.0.11 '
        'faster-coco-eval==1.8.0',
    )


def test_numpy_is_not_to_blame_for_a_broken_torch(versions):
    errors = {'numpy_bridge': 'ImportError: torch'}
    assert check_numpy(state('ImportError', **errors))[0].status == 'ok'
    assert check_numpy(state(**errors))[0].status == 'problem'


def test_two_opencvs_of_one_version_are_fine(versions):
    versions['opencv-python'] = '4.12.0.88'
    versions['opencv-python-headless'] = '4.12.0.88'
    assert check_opencv(state())[0].status == 'ok'


def test_two_opencvs_of_two_versions_are_a_warning(versions):
    versions['opencv-python'] = '4.12.0.88'
    versions['opencv-python-headless'] = '4.10.0.84'
    (found,) = check_opencv(state())
    assert found.status == 'warning'
    assert found.mend[0] == (
        'pip uninstall -y opencv-python opencv-python-headless'
    )


def test_opencv_without_libgl_gets_the_headless_one(versions):
    versions['opencv-python'] = '4.12.0.88'
    error = 'ImportError: libGL.so.1: cannot open shared object file'
    (found,) = check_opencv(state(**{'import:cv2': error}))
    assert found.status == 'problem'
    assert found.mend == (
        'pip install --force-reinstall --no-deps '
        'opencv-python-headless==4.12.0.88',
    )
