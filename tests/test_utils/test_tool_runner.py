import sys

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.tool_runner import progress_of, run_logged

TRAIN = (
    '11/22 15:53:35 - mmengine - INFO - Iter(train) [ 10/180]  lr: 2.0e-04  '
    'eta: 0:03:24  time: 1.2  loss: 3.4465  det/loss: 3.1'
)


def test_training_progress_has_eta_and_loss():
    shown = 'Iter(train) [ 10/180] eta 0:03:24 loss 3.4465'
    assert progress_of(TRAIN) == shown


def test_test_progress_has_no_loss():
    line = 'INFO - Epoch(test) [50/102]    eta: 0:00:07  time: 0.14'
    assert progress_of(line) == 'Epoch(test) [50/102] eta 0:00:07'


@pytest.mark.parametrize(
    'line', ['', 'Saving checkpoint at 10 iterations', 'Iter(train) done']
)
def test_other_lines_are_no_progress(line):
    assert progress_of(line) == ''


def test_output_goes_to_the_log_and_progress_to_the_screen(tmp_path, capsys):
    log = tmp_path / 'log.txt'
    log.write_text('before\n')
    code = f"import os; print({TRAIN!r}); print(os.environ['CUPRE_DATA'])"
    run_logged([sys.executable, '-c', code], log, {'CUPRE_DATA': 'here'})
    assert log.read_text().splitlines() == ['before', TRAIN, 'here']
    shown = capsys.readouterr().out
    assert 'eta 0:03:24' in shown
    assert 'here' not in shown


def test_failure_names_code_and_log_and_shows_the_end(tmp_path, capsys):
    script = tmp_path / 'script.py'
    script.write_text(
        'import sys\nfor i in range(40): print("line", i)\nsys.exit(3)\n'
    )
    log = tmp_path / 'log.txt'
    with pytest.raises(BadDataError, match=r'script\.py .* exit code 3'):
        run_logged([sys.executable, str(script)], log, {})
    shown = capsys.readouterr().out.split()
    assert shown[-1] == '39'
    assert '19' not in shown
    assert len(log.read_text().splitlines()) == 40
