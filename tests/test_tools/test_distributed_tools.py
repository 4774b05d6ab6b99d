"""tools/train.py and tools/test.py by torchrun, on an uneven data set."""

import json
import subprocess
import sys

import pytest

from tests.tiny_amt2 import ROOT
from tests.two_processes import environment, torchrun

pytestmark = pytest.mark.distributed


def test_trains_and_tests_three_images_on_two_processes(
    load_tool, tiny_config, tmp_path
):
    work_dir = tmp_path / 'work'
    flags = ['--launcher', 'pytorch', '--work-dir']
    trained = torchrun('tools/train.py', tiny_config, *flags, work_dir)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.count('Checkpoints and logs are in') == 1
    checkpoint = work_dir / 'iter_2.pth'

    reports = tmp_path / 'of_two', tmp_path / 'of_one'
    tested = torchrun(
        'tools/test.py', tiny_config, checkpoint, *flags, reports[0]
    )
    assert tested.returncode == 0, tested.stderr
    load_tool('test').main(
        [str(tiny_config), str(checkpoint), '--work-dir', str(reports[1])]
    )
    of_two, of_one = (
        json.loads((folder / 'report.json').read_text()) for folder in reports
    )
    assert of_one['counts']['num_images'] == 3
    for part in ('metrics', 'counts'):
        assert of_two[part] == of_one[part]
    rows = [(folder / 'report.csv').read_text() for folder in reports]
    assert rows[0] == rows[1]
    assert len(rows[0].splitlines()) > 3


def test_launcher_without_torchrun_names_the_command(tiny_config):
    variables = environment()
    for name in ('RANK', 'WORLD_SIZE'):
        variables.pop(name, None)
    done = subprocess.run(
        [
            *(sys.executable, 'tools/train.py', tiny_config),
            *('--launcher', 'pytorch'),
        ],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert 'error: --launcher pytorch: the environment has no' in done.stderr
    assert 'torchrun --nproc_per_node 2' in done.stderr
