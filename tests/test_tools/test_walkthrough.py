"""tools/walkthrough.py: the demo pipeline end to end, and its refusals."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from cupre_mm.utils.run_settings import check_settings

ROOT = Path(__file__).resolve().parents[2]
ARMS = ('finetune_scratch_demo', 'finetune_amt2_demo')


def run(*arguments, folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / 'tools' / 'walkthrough.py')]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        check=False,
    )


def is_picture(path: Path) -> bool:
    """Whether a file is an image that shows something."""
    image = cv2.imread(str(path))
    return image is not None and image.min() < 50 and image.max() > 200


@pytest.mark.slow
def test_demo_ends_with_table_and_pictures_and_is_not_done_twice(tmp_path):
    results = tmp_path / 'w'
    arguments = ('demo', '--size', 'tiny', '--max-iters', 2)
    arguments += ('--data', tmp_path / 'data', '--work-dir', results)
    first = run(*arguments, folder=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    table = (results / 'summary.md').read_text()
    assert table in first.stdout
    lines = [line.split('|')[1:-1] for line in table.splitlines()]
    assert [cell.strip() for cell in lines[0]] == ['arm', 'AP_bbox', 'AP_segm']
    assert [line[0].strip() for line in lines[2:]] == ['scratch', 'AMT2']
    for line in lines[2:]:
        assert all(0 <= float(cell) <= 100 for cell in line[1:])
    for name in ('predictions.png', 'losses.png'):
        assert str(results / name) in first.stdout
        assert is_picture(results / name)
    checkpoints = {
        path: path.stat().st_mtime_ns for path in results.glob('*/*.pth')
    }
    # A detector is exported at the end of each pre-training.
    assert sorted(path.parent.name for path in checkpoints) == sorted(
        ['warmup_demo', 'amt2_demo'] * 2 + list(ARMS)
    )
    for name in ('warmup_demo', 'test_finetune_amt2_demo'):
        assert 'mmengine' in (results / f'{name}.log').read_text()

    second = run(*arguments, folder=tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count('done before: ') == 2 + 2 * len(ARMS)
    assert 'tools/train.py' not in second.stdout
    assert 'tools/test.py' not in second.stdout
    assert (results / 'summary.md').read_text() == table
    again = {p: p.stat().st_mtime_ns for p in results.glob('*/*.pth')}
    assert again == checkpoints


def test_mini_without_its_data_is_one_line(tmp_path):
    done = run('mini', '--source', tmp_path / 'none', folder=tmp_path)
    assert done.returncode == 2
    (line,) = [x for x in done.stderr.splitlines() if 'error:' in x]
    assert str(tmp_path / 'none' / 'bbbc038_stage1_train.zip') in line
    assert '--source' in line
    assert 'Traceback' not in done.stderr


@pytest.fixture
def walkthrough(load_tool):
    return load_tool('walkthrough')


def test_results_of_other_settings_are_refused(walkthrough, tmp_path, capsys):
    folder = tmp_path / 'w'
    check_settings(folder, dict(plan='demo', size='demo', max_iters=None))
    arguments = ['demo', '--work-dir', str(folder), '--data', str(tmp_path)]
    with pytest.raises(SystemExit) as stopped:
        walkthrough.main([*arguments, '--max-iters', '2'])
    assert stopped.value.code == 2
    line = capsys.readouterr().err
    assert str(folder) in line
    assert 'max_iters=None, not 2' in line
    assert not (tmp_path / 'demo').exists()


def test_in_domain_results_have_a_folder_of_their_own(
    walkthrough, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folders = {
        walkthrough.Walkthrough(walkthrough.parse_args(arguments)).work_dir
        for arguments in (['mini'], ['mini', '--in-domain'])
    }
    assert folders == {
        tmp_path / 'work_dirs' / 'mini',
        tmp_path / 'work_dirs' / 'mini_in-domain',
    }


@pytest.mark.parametrize(
    'arguments', [['demo', '--in-domain'], ['demo', '--max-iters', '0']]
)
def test_arguments_that_make_no_sense_are_refused(
    walkthrough, arguments, capsys
):
    with pytest.raises(SystemExit) as stopped:
        walkthrough.parse_args(arguments)
    assert stopped.value.code == 2
    assert arguments[1] in capsys.readouterr().err
