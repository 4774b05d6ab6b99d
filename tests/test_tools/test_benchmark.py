"""tools/benchmark.py: whole grids in processes, killed, shared, resumed."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmark_stub import ROOT, StubBenchmark

CELL = 'cells/scratch/20pct/seed0'
ONLY = ('--only', 'arm=scratch', 'size=20')


@pytest.fixture
def stub(tmp_path) -> StubBenchmark:
    return StubBenchmark(tmp_path)


def wait_for(condition: Callable[[], object], process=None) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, 'it never came to that'
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def trained(lines: list[str]) -> list[int]:
    """Iterations, without the starts."""
    return [int(line) for line in lines if line.isdigit()]


def test_a_whole_grid_is_run_once_and_described(stub):
    first = stub.run('--devices', 'cpu', 'cpu')
    assert first.returncode == 0, first.stdout + first.stderr
    cell = stub.cell('amt2/100pct/seed0')
    assert cell['status'] == 'done'
    assert cell['attempts'] == 1
    assert cell['percent'] == 100
    assert cell['size'] == '100pct'
    assert cell['metrics'] == {'coco/bbox_mAP': 0.25, 'coco/segm_mAP': 0.24}
    assert cell['versions'] == {'torch': '2.0'}
    assert cell['split']['images'] == 16
    assert cell['test']['images'] == 4
    assert len(cell['split']['manifest_sha256']) == 64
    assert len(cell['start_sha256']) == 64
    assert {'git_commit', 'git_dirty'} <= {*cell}
    folder = stub.work_dir / 'cells/amt2/100pct/seed0'
    # Weights of cells take most of the disk, those of stages are needed.
    assert not [*folder.glob('*.pth'), *folder.glob('.claim*')]
    stages = stub.work_dir / 'pretraining'
    assert sorted(
        path.relative_to(stages).as_posix() for path in stages.glob('*/*.pth')
    ) == ['amt2/iter_6.pth', 'coco/iter_6.pth', 'warmup/iter_4.pth']
    started = f'start 0 {stages / "amt2/iter_6.pth"}'
    assert stub.steps('cells/amt2/100pct/seed0')[0] == started
    grid = json.loads((stub.work_dir / 'benchmark.json').read_text())
    images = {r['arm']: r['det_images'] for r in grid['pretraining_budgets']}
    assert images == {'scratch': 0, 'coco': 40, 'amt2': 40}

    lines = {
        path: path.read_text() for path in stub.work_dir.rglob('steps.txt')
    }
    second = stub.run()
    assert second.returncode == 0
    assert '9 of 9 done' in second.stdout
    assert {path: path.read_text() for path in lines} == lines
    assert stub.cell('amt2/100pct/seed0') == cell


def test_killed_while_training_and_while_testing_goes_on(stub):
    process = stub.start(*ONLY, stub={CELL: dict(sleep=0.3)})
    wait_for(lambda: len(trained(stub.steps(CELL))) >= 3, process)
    process.kill()
    process.communicate()
    # Its training is killed with it, and does not write a fourth step.
    time.sleep(0.5)
    assert trained(stub.steps(CELL)) == [1, 2, 3]
    assert stub.cell('scratch/20pct/seed0')['status'] == 'running'

    process = stub.start(*ONLY, stub={CELL: dict(test_sleep=60)})
    log = stub.work_dir / CELL / 'test.log'
    wait_for(log.is_file, process)
    process.kill()
    process.communicate()
    assert trained(stub.steps(CELL)) == [1, 2, 3, 3, 4]

    last = stub.run(*ONLY)
    assert last.returncode == 0, last.stdout + last.stderr
    # The weights were whole: it is only tested again.
    assert trained(stub.steps(CELL)) == [1, 2, 3, 3, 4]
    cell = stub.cell('scratch/20pct/seed0')
    assert cell['status'] == 'done'
    assert cell['attempts'] == 3
    # Of the attempts that were killed as well.
    assert cell['seconds'] > 0.9


@pytest.mark.parametrize(
    ('number', 'code'), [(signal.SIGTERM, 75), (signal.SIGINT, 130)]
)
def test_a_signal_stops_trainings_after_they_saved(stub, number, code):
    process = stub.start(*ONLY, stub={CELL: dict(sleep=0.3)})
    wait_for(lambda: trained(stub.steps(CELL)), process)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == code
    done = trained(stub.steps(CELL))[-1]
    assert done < 4
    assert (stub.work_dir / CELL / f'iter_{done}.pth').is_file()
    assert not (stub.work_dir / CELL / '.claim').exists()
    assert stub.run(*ONLY).returncode == 0
    assert trained(stub.steps(CELL)) == [1, 2, 3, 4]


def test_failures_are_kept_and_block_what_needs_them_alone(stub):
    failing = {
        'pretraining/coco': dict(fail_at=2),
        CELL: dict(test_fails=True),
    }
    first = stub.run(stub=failing)
    assert first.returncode == 1
    assert stub.cell('amt2/20pct/seed0')['status'] == 'done'
    error = stub.cell('scratch/20pct/seed0')['error']
    assert 'exit code 1' in error
    assert 'no such metric' in error
    assert not (stub.work_dir / 'cells/coco').exists()
    text = (stub.work_dir / 'failures.md').read_text()
    assert 'the stub was told to fail' in text
    assert 'Not run: pretraining/coco failed' in text
    assert 'pretraining/coco' in first.stderr

    # Without being told, what failed is not tried again.
    assert stub.run().returncode == 1
    assert stub.cell('scratch/20pct/seed0')['attempts'] == 1
    last = stub.run('--retry-failed')
    assert last.returncode == 0, last.stdout + last.stderr
    assert stub.cell('coco/20pct/seed0')['status'] == 'done'
    assert stub.cell('scratch/20pct/seed0')['attempts'] == 2
    assert not (stub.work_dir / 'failures.md').exists()


def test_what_is_wrong_with_one_task_does_not_end_the_others(stub):
    first = stub.run(stub={CELL: dict(report='no json')})
    assert first.returncode == 1
    cell = stub.cell('scratch/20pct/seed0')
    assert cell['status'] == 'failed'
    assert 'JSONDecodeError' in cell['error']
    assert stub.cell('scratch/100pct/seed0')['status'] == 'done'
    assert stub.cell('amt2/100pct/seed0')['status'] == 'done'
    assert f'failed: {CELL}: Traceback' in first.stderr
    assert stub.run('--retry-failed').returncode == 0


def test_a_config_edited_while_a_cell_runs_is_told(stub):
    config = stub.tools.parent / 'finetuning.py'
    process = stub.start(*ONLY, stub={CELL: dict(sleep=0.5)})
    wait_for(lambda: trained(stub.steps(CELL)), process)
    written = stub.work_dir / CELL / config.name
    written.write_text(config.read_text().replace('width=8', 'width=9'))
    _, err = process.communicate()
    assert process.returncode == 0
    cell = stub.cell('scratch/20pct/seed0')
    assert 'model.width' in cell['config_changes']
    assert 'changed since this tool was started' in err


def test_weights_kept_at_first_stay_when_the_grid_goes_on(stub):
    assert stub.run('--keep-checkpoints', 'final', *ONLY).returncode == 0
    assert stub.run('--only', 'arm=scratch').returncode == 0
    kept = sorted(stub.work_dir.glob('cells/scratch/*/seed0/*.pth'))
    assert [path.parts[-3] for path in kept] == ['20pct']


def test_weights_kept_at_first_go_when_the_command_says_so(stub):
    assert stub.run('--keep-checkpoints', 'final', *ONLY).returncode == 0
    asked = '--keep-checkpoints', 'pretraining'
    assert stub.run(*asked, *ONLY).returncode == 0
    assert not [*stub.work_dir.glob('cells/**/*.pth')]
    assert len([*stub.work_dir.glob('pretraining/*/*.pth')]) == 0
    assert stub.cell('scratch/20pct/seed0')['status'] == 'done'


def test_a_stage_has_its_versions(stub):
    assert stub.run('--only', 'stage=warmup').returncode == 0
    record = stub.work_dir / 'pretraining/warmup/stage.json'
    assert 'torch' in json.loads(record.read_text())['versions']


def test_a_task_of_a_process_that_is_killed_is_taken_over(stub):
    first = stub.start(*ONLY, stub={CELL: dict(sleep=600)})
    wait_for((stub.work_dir / CELL / 'train.log').is_file, first)
    second = stub.start(*ONLY)
    # By then the second has seen that the task is another's.
    line = next(line for line in second.stdout if 'running on cpu' in line)
    assert '1 elsewhere' in line
    first.kill()
    first.communicate()
    out, err = second.communicate()
    assert second.returncode == 0, out + err
    assert stub.cell('scratch/20pct/seed0')['status'] == 'done'
    assert trained(stub.steps(CELL)) == [1, 2, 3, 4]


def test_two_processes_share_a_work_dir_and_run_no_cell_twice(stub):
    slow = {
        f'pretraining/{name}': dict(sleep=0.1) for name in ('coco', 'amt2')
    }
    stub.run('--only', 'stage=warmup')
    both = [stub.start(stub=slow) for _ in range(2)]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    tasks = [p.parent for p in stub.work_dir.rglob('steps.txt')]
    assert len(tasks) == 9
    for task in tasks:
        starts = [
            line
            for line in stub.steps(str(task.relative_to(stub.work_dir)))
            if line.startswith('start')
        ]
        assert len(starts) == 1, task
    ran = [out.count(': running (') for out, _ in ends]
    assert min(ran) > 0, ends


def test_other_settings_are_refused_but_a_larger_grid_is_not(stub):
    assert stub.run(*ONLY).returncode == 0
    stub.write(seeds=(0, 1))
    grown = stub.run('--only', 'arm=scratch', 'size=20')
    assert grown.returncode == 0, grown.stderr
    assert stub.cell('scratch/20pct/seed1')['status'] == 'done'
    stub.write(iterations=6)
    other = stub.run(*ONLY)
    assert other.returncode == 2
    assert 'train_cfg.max_iters=4, not 6' in other.stderr
    assert str(stub.work_dir / CELL) in other.stderr


def test_the_commands_of_a_dry_run_do_the_same_in_bash(stub):
    shown = stub.run('--dry-run')
    assert shown.returncode == 0, shown.stderr
    # Without being asked for, no device is chosen for the shell.
    assert 'CUDA_VISIBLE_DEVICES' not in shown.stdout
    pinned = stub.run('--dry-run', '--devices', 'cpu').stdout
    assert pinned.count("CUDA_VISIBLE_DEVICES=''") == 3 + 6 * 2
    assert not stub.work_dir.exists()
    stub.work_dir.mkdir()
    (stub.work_dir / 'benchmark.json').write_text('{}')
    done = subprocess.run(
        ['bash', '-eu'],
        input=shown.stdout,
        env=stub.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tested = [*stub.work_dir.glob('cells/*/*/seed0/report.json')]
    assert len(tested) == 6
    # The tool takes the trainings for done, and tests.
    assert stub.run(*ONLY).returncode == 0
    assert trained(stub.steps(CELL)) == [1, 2, 3, 4]
    again = stub.run('--dry-run', *ONLY).stdout
    assert f'# {CELL}: done' in again
    assert 'train.py' not in again


def test_a_dry_run_leaves_out_what_would_not_be_run(stub):
    assert stub.run(stub={'pretraining/coco': dict(fail_at=2)}).returncode == 1
    shown = stub.run('--dry-run').stdout
    assert '# pretraining/coco: failed' in shown
    assert '# cells/coco/20pct/seed0: blocked' in shown
    assert 'train.py' not in shown
    again = stub.run('--dry-run', '--retry-failed').stdout
    assert again.count('train.py') == 1 + 2


SBATCH = """#!{python}
import os, subprocess, sys
script = next(i for i, a in enumerate(sys.argv) if a.endswith('.sh'))
first, last = next(
    a for a in sys.argv if a.startswith('--array')
).partition('=')[2].partition('%')[0].split('-')
with open(os.environ['SBATCH_LOG'], 'a') as log:
    print(*sys.argv[1:script], file=log)
for index in range(int(first), int(last) + 1):
    subprocess.run(
        ['bash', *sys.argv[script:]],
        env={{**os.environ, 'SLURM_ARRAY_TASK_ID': str(index)}},
        stdout=sys.stderr, check=True)
print(f'{{100 + int(last)}};cluster')
"""


def test_data_is_prepared_without_a_training(stub):
    done = stub.run('--prepare', '--jobs', '1')
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(stub.data) in done.stdout.splitlines()[-1]
    assert (stub.data / 'cells/annotations/seed0/train_20.json').is_file()
    assert (stub.data / 'pool.txt').is_file()
    assert not stub.steps('pretraining/warmup')
    again = stub.run('--prepare', '--jobs', '1')
    assert 'make_splits.py' in done.stdout
    assert 'make_splits.py' not in again.stdout


def test_the_slurm_script_runs_a_task_for_each_cell_in_order(stub, tmp_path):
    script = tmp_path / 'jobs.sh'
    written = stub.run(
        *('--slurm', str(script), '--slurm-limit', '3'),
        '--slurm-options=--gres gpu:1',
        *('--only', 'arm=coco,amt2', 'size=20'),
    )
    assert written.returncode == 0, written.stderr
    text = script.read_text()
    assert 'arm=amt2 size=20pct seed=0' in text
    # The grid, not its report, is what the stand-in is to run.
    script.write_text(text.replace('--jobs 1', '--devices cpu --no-report'))
    fake = tmp_path / 'bin/sbatch'
    fake.parent.mkdir()
    fake.write_text(SBATCH.format(python=sys.executable))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / 'sbatch.log'
    environment = stub.environment() | {
        'PATH': f'{fake.parent}{os.pathsep}{os.environ["PATH"]}',
        'SBATCH_LOG': str(log),
        'CUDA_VISIBLE_DEVICES': '',
    }
    done = subprocess.run(
        ['bash', str(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    levels = log.read_text().splitlines()
    assert '--array=0-0%3' in levels[0]
    assert '--array=0-1%3' in levels[1]
    assert '--dependency' not in levels[0]
    assert '--dependency=afterany:100' in levels[1]
    assert '--dependency=afterany:101' in levels[2]
    assert all('--gres gpu:1' in line for line in levels)
    cells = [*stub.work_dir.glob('cells/*/*/seed0/cell.json')]
    assert len(cells) == 2
    assert {json.loads(c.read_text())['status'] for c in cells} == {'done'}


def test_the_slurm_script_has_what_would_be_run_and_the_flags(stub, tmp_path):
    script = tmp_path / 'jobs.sh'
    assert stub.run(stub={'pretraining/coco': dict(fail_at=2)}).returncode == 1
    none = stub.run('--slurm', str(script))
    assert none.returncode == 0
    assert 'nothing is left to run' in none.stderr
    assert not script.exists()
    flags = ('--retry-failed', '--keep-checkpoints', 'all')
    assert stub.run('--slurm', str(script), *flags).returncode == 0
    text = script.read_text()
    assert '3 tasks as job arrays' in text
    assert '--keep-checkpoints all --no-report' in text
    assert '--retry-failed' not in text
    assert '1 failed' not in stub.run('--status').stdout
    pinned = stub.run('--slurm', str(script), '--devices', 'cpu')
    assert pinned.returncode == 2
    assert 'leave --devices and --jobs out' in pinned.stderr


@pytest.mark.slow
def test_the_demo_grid_runs_for_real_and_survives_a_kill(tmp_path):
    from cupre_mm.utils.demo_data import write_demo_data

    write_demo_data(tmp_path / 'data/demo', seed=0, size='tiny')
    stages = {
        f'benchmark.pretraining.{n}.iterations': 2 for n in ('coco', 'amt2')
    }
    options = stages | {
        'benchmark.pretraining.warmup.iterations': 2,
        'benchmark.iterations': 3,
        'benchmark.checkpoint_interval': 1,
    }
    work_dir = tmp_path / 'work'
    command = [
        *(sys.executable, str(ROOT / 'tools/benchmark.py')),
        str(ROOT / 'configs/benchmark/fewshot_demo.py'),
        *('--data', str(tmp_path / 'data'), '--work-dir', str(work_dir)),
        *('--devices', 'cpu', '--only', 'arm=scratch,amt2', 'size=100'),
        *('--cfg-options', *(f'{k}={v}' for k, v in options.items())),
    ]
    process = subprocess.Popen(command)
    cell = work_dir / 'cells/scratch/100pct/seed0'
    wait = time.monotonic() + 900
    while not (cell / 'iter_1.pth').is_file():
        assert time.monotonic() < wait
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '--resume: going on from' in (cell / 'train.log').read_text()
    results = json.loads((work_dir / 'results.json').read_text())
    assert results
    for arm in ('scratch', 'amt2'):
        file: Path = work_dir / f'cells/{arm}/100pct/seed0/cell.json'
        record = json.loads(file.read_text())
        assert record['status'] == 'done'
        assert 'coco/bbox_mAP' in record['metrics']
        assert 'torch' in record['versions']
