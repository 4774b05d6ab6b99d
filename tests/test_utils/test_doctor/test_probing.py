import pytest

from cupre_mm.utils.doctor.probing import run_steps
from tests.fake_site import write_package

STEPS = """
import json, os, signal, sys, time
for step in sys.argv[2:]:
    with open(sys.argv[1], 'a') as journal:
        journal.write(json.dumps({'step': step}) + '\\n')
        journal.flush()
        if step == 'die':
            os.kill(os.getpid(), signal.SIGSEGV)
        if step == 'leave':
            sys.exit('out of patience')
        if step == 'hang':
            time.sleep(60)
        journal.write(json.dumps({'step': step, 'found': {'a': 1}}) + '\\n')
    if step == 'die later':
        os.kill(os.getpid(), signal.SIGABRT)
"""


@pytest.fixture
def probe(tmp_path):
    path = tmp_path / 'probe.py'
    path.write_text(STEPS)
    return path


def test_steps_after_one_that_dies_are_run(probe):
    outcomes = run_steps(['one', 'die', 'two', 'die', 'three'], 30, probe)
    assert list(outcomes) == ['one', 'die', 'two', 'three']
    assert outcomes['die'].error == 'the process was killed by SIGSEGV'
    assert outcomes['die'].died
    for step in ('one', 'two', 'three'):
        assert outcomes[step].found == {'a': 1}
        assert not outcomes[step].error


def test_step_that_leaves_is_told_with_its_last_line(probe):
    outcomes = run_steps(['leave', 'one'], 30, probe)
    assert outcomes['leave'].error == (
        'the process ended with code 1: out of patience'
    )
    assert outcomes['one'].found


def test_step_that_hangs_is_told_with_the_limit(probe):
    outcomes = run_steps(['hang', 'one'], 1, probe)
    assert outcomes['hang'].error == 'did not finish within 1 s'
    assert outcomes['one'].found


def test_death_after_a_step_counts_for_the_next_and_ends(probe):
    outcomes = run_steps(['die later', 'one', 'two'], 30, probe)
    assert outcomes['die later'].found
    assert 'SIGABRT' in outcomes['one'].error
    assert outcomes['two'].found


def test_interpreter_that_cannot_start_is_an_outcome(tmp_path):
    outcomes = run_steps(['one'], 30, tmp_path / 'absent.py')
    assert "can't open file" in outcomes['one'].error


def test_operator_with_wrong_values_is_an_error(tmp_path, monkeypatch):
    write_package(tmp_path, 'mmcv', '')
    write_package(
        tmp_path,
        'mmcv.ops',
        'import torch\n'
        'def nms(boxes, scores, iou_threshold):\n'
        '    return None, torch.arange(len(boxes))\n',
    )
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    outcomes = run_steps(['nms:cpu', 'roi_align:cpu'], 300)
    assert outcomes['nms:cpu'].error == (
        'AssertionError: nms gave [0, 1, 2] in place of [0, 2]'
    )
    assert 'ImportError' in outcomes['roi_align:cpu'].error
