"""The environment of a peer: checked, and made to run its driver."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)

COMMANDS = r"-m venv peers/cellpose && peers/cellpose/bin/pip install 'cellpo"


def run_training(environment, root, **settings):
    content = {'labels': [], 'model_folder': 'model', **settings}
    return environment.run('train', content, root / 'peer', root)


def test_versions_are_those_of_the_environment(environment):
    assert environment.check()['cellpose'] == '3.1.1'


def test_missing_python_is_named_with_the_commands_that_make_it(environment):
    lost = replace(environment, python=Path('peers/bin/python'))
    with pytest.raises(MissingDataError, match=COMMANDS) as error:
        lost.check()
    assert 'peers/bin/python does not exist' in str(error.value)


def test_python_without_the_peer_is_told_with_its_last_line(
    environment, tmp_path
):
    driver = tmp_path / 'driver.py'
    driver.write_text('import not_a_peer_at_all')
    with pytest.raises(MissingDataError, match='not_a_peer_at_all') as error:
        replace(environment, driver=driver).check()
    assert "'cellpose<4'" in str(error.value)


def test_other_version_is_refused(environment):
    with pytest.raises(BadConfigError, match=r'cellpose 3\.1\.1.*4\.x'):
        replace(environment, versions_wanted='4.').check()


def test_same_settings_are_not_run_twice_and_others_are(environment, work_dir):
    runs = work_dir / 'model/runs'
    for seed, expected in ((0, 'x'), (0, 'x'), (1, 'xx'), (0, 'xxx')):
        run_training(environment, work_dir, seed=seed)
        assert runs.read_text() == expected


def test_failing_driver_leaves_a_log_and_no_result(
    environment, work_dir, capsys
):
    (work_dir / 'fails').write_text('train')
    with pytest.raises(BadDataError, match='exit code 3'):
        run_training(environment, work_dir)
    assert 'its own way' in (work_dir / 'peer/train.log').read_text()
    assert 'its own way' in capsys.readouterr().out
    assert not (work_dir / 'peer/train_result.json').exists()


def test_variables_reach_the_driver(environment, work_dir, tmp_path):
    driver = tmp_path / 'driver.py'
    driver.write_text(
        'import json, os, sys\n'
        'result = json.load(open(sys.argv[2]))["result"]\n'
        'os.chdir(sys.argv[3])\n'
        'json.dump({"threads": os.environ["N"]}, open(result, "w"))\n'
    )
    own = replace(environment, driver=driver, variables={'N': '3'})
    assert run_training(own, work_dir) == {'threads': '3'}
    assert Path(sys.executable) == own.python
