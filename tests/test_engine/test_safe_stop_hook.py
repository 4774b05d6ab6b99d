"""Real signals to real processes; each is a fork that trains a toy model."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import EMAHook, Hook
from torch import distributed

from cupre_mm.engine.hooks import SafeStopHook
from cupre_mm.utils.errors import BadConfigError
from tests.forked import in_process, wait_for
from tests.toy_run import Pause, toy_runner

CHECKPOINT = 'default_hooks.checkpoint'
NEVER = {f'{CHECKPOINT}.interval': 1000, 'train_cfg.max_iters': 1000}


def run(folder: Path, options: dict[str, Any], at: str, *hooks: Hook) -> None:
    toy_runner(folder, options, Pause(folder, at), *hooks).train()


def start(folder: Path, options: dict, at: str, *hooks: Hook) -> Any:
    """Start a run, and wait until it is held where 'at' says."""
    process = in_process(run, folder, options, at, *hooks)
    wait_until_held(folder, at)
    return process


def wait_until_held(folder: Path, at: str) -> None:
    mark = folder / 'mark'
    wait_for(lambda: mark.is_file() and mark.read_text() == at)


def tell(process: Any, number: int, folder: Path, group: bool = False) -> None:
    """Send a signal, and let the run go on."""
    (os.killpg if group else os.kill)(process.pid, number)
    # Workers that die of the signal shall have done so.
    time.sleep(0.2)
    (folder / 'go').touch()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


def exit_code(process: Any) -> int:
    process.join(120)
    return process.exitcode


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('workers', [0, 2])
def test_signal_to_the_group_saves_and_exits_with_75(
    tmp_path, number, workers
):
    """As Ctrl-C and Slurm do it; loader workers get the signal, too."""
    options = {**NEVER, 'workers': workers}
    process = start(tmp_path, options, 'train 2')
    tell(process, number, tmp_path, group=True)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['iter_3.pth']
    assert (
        torch.load(tmp_path / 'iter_3.pth', weights_only=False)['meta']['iter']
        == 3
    )


@pytest.mark.parametrize('at', ['train 2', 'val 1'])
def test_a_stopped_run_resumes_exactly(tmp_path, at):
    """Dropout draws in each iteration, the validation's loader in each."""
    options = {
        **NEVER,
        'train_cfg.max_iters': 6,
        'train_cfg.val_interval': 3,
        'validate': True,
        'default_hooks.random_state': dict(type='cupre_mm.RandomStateHook'),
    }
    whole = toy_runner(tmp_path / 'whole', options)
    whole.train()
    (tmp_path / 'cut').mkdir()
    process = start(tmp_path / 'cut', options, at)
    tell(process, signal.SIGTERM, tmp_path / 'cut')
    assert exit_code(process) == 75
    assert names(tmp_path / 'cut') == ['iter_3.pth']
    resumed = toy_runner(tmp_path / 'cut', {**options, 'resume': True})
    resumed.train()
    assert resumed.iter == 6
    for name, value in whole.model.state_dict().items():
        assert resumed.model.state_dict()[name].equal(value)
    ours, theirs = resumed.optim_wrapper, whole.optim_wrapper
    assert str(ours.state_dict()) == str(theirs.state_dict())


def test_a_stop_counts_for_max_keep_ckpts(tmp_path):
    options = {
        **NEVER,
        f'{CHECKPOINT}.interval': 2,
        f'{CHECKPOINT}.max_keep_ckpts': 2,
    }
    process = start(tmp_path, options, 'train 4')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['iter_4.pth', 'iter_5.pth']
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last.endswith('iter_5.pth')


def test_what_the_interval_saved_is_not_written_again(tmp_path):
    options = {**NEVER, f'{CHECKPOINT}.interval': 3}
    process = start(tmp_path, options, 'train 2')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['iter_3.pth']


@pytest.mark.parametrize(
    ('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_second_signal_stops_at_once(tmp_path, number, code):
    process = start(tmp_path, NEVER, 'train 0')
    os.kill(process.pid, number)
    # One that follows closely is the same one, passed on by a launcher.
    os.kill(process.pid, number)
    time.sleep(1.2)
    assert process.is_alive()
    os.kill(process.pid, number)
    assert exit_code(process) == code
    assert names(tmp_path) == []


def test_validation_is_cut_and_its_iteration_saved(tmp_path):
    options = {**NEVER, 'validate': True, 'train_cfg.val_interval': 2}
    process = start(tmp_path, options, 'val 1')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['iter_2.pth']
    assert (tmp_path / 'mark').read_text() == 'val 1'
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)
    assert saved['meta']['iter'] == 2


def test_validation_of_averaged_weights_ends_first(tmp_path):
    """They stand in the model meanwhile, and would be saved as its own."""
    options = {**NEVER, 'validate': True, 'train_cfg.val_interval': 2}
    process = start(tmp_path, options, 'val 1', EMAHook())
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert (tmp_path / 'mark').read_text() == 'val 3'
    assert names(tmp_path) == ['iter_2.pth']


def test_the_last_iteration_ends_the_run_as_usual(tmp_path):
    options = {**NEVER, 'train_cfg.max_iters': 2}
    process = start(tmp_path, options, 'train 1')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 0
    assert names(tmp_path) == ['iter_2.pth']


def test_other_signals_and_codes_by_option(tmp_path):
    options = {
        **NEVER,
        'workers': 1,
        'default_hooks.safe_stop.signals': ['SIGTERM', 'SIGUSR1'],
        'default_hooks.safe_stop.exit_code': 99,
    }
    process = start(tmp_path, options, 'train 2')
    tell(process, signal.SIGUSR1, tmp_path, group=True)
    assert exit_code(process) == 99
    assert names(tmp_path) == ['iter_3.pth']


def test_stock_checkpoint_hook_saves_as_well(tmp_path):
    options = {**NEVER, f'{CHECKPOINT}.type': 'CheckpointHook'}
    process = start(tmp_path, options, 'train 1')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['iter_2.pth']


def test_loop_by_epoch_falls_back_to_the_last_epoch(tmp_path):
    options = {
        'train_cfg': {'by_epoch': True, 'max_epochs': 9, '_delete_': True},
        f'{CHECKPOINT}.by_epoch': True,
        'default_hooks.safe_stop.signals': ['SIGTERM'],
        'finite': True,
    }
    process = start(tmp_path, options, 'train 5')
    tell(process, signal.SIGTERM, tmp_path)
    assert exit_code(process) == 75
    assert names(tmp_path) == ['epoch_1.pth']


def test_signals_are_given_back_after_training(tmp_path):
    before = [signal.getsignal(one) for one in (2, 15)]
    toy_runner(tmp_path).train()
    assert [signal.getsignal(one) for one in (2, 15)] == before


class Fault(Hook):
    """Ends a training as an error does."""

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError('fault')


def test_signals_are_given_back_after_an_error(tmp_path):
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    with pytest.raises(RuntimeError, match='fault'):
        toy_runner(tmp_path, None, Fault()).train()
    assert {number: signal.getsignal(number) for number in before} == before
    child = in_process(time.sleep, 600)
    os.kill(child.pid, signal.SIGTERM)
    child.join(60)
    assert child.exitcode == -signal.SIGTERM


@pytest.mark.parametrize(
    'wrong',
    [
        {'exit_code': 0},
        {'exit_code': 130},
        {'exit_code': '75'},
        {'signals': 'SIGTERM'},
        {'signals': ['SIGKILL']},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(BadConfigError, match='SafeStopHook'):
        SafeStopHook(**wrong)


def _run_rank(rank: int, folder: Path, phase: str) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder / "rendezvous"}',
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=2),
    )
    work = folder / f'rank{rank}'
    work.mkdir()
    options = {
        **NEVER,
        'validate': phase == 'val',
        'train_cfg.val_interval': 2,
        f'{CHECKPOINT}.out_dir': str(folder / 'out'),
    }
    run(work, options, f'{phase} 1')


@pytest.mark.distributed
@pytest.mark.parametrize('phase', ['train', 'val'])
def test_two_processes_stop_at_the_same_iteration(tmp_path, phase):
    """One of them, not the one that writes, is told."""
    ranks = [in_process(_run_rank, rank, tmp_path, phase) for rank in (0, 1)]
    for rank in (0, 1):
        wait_until_held(tmp_path / f'rank{rank}', f'{phase} 1')
    tell(ranks[1], signal.SIGTERM, tmp_path / 'rank1')
    (tmp_path / 'rank0/go').touch()
    assert [exit_code(rank) for rank in ranks] == [75, 75]
    marks = [(tmp_path / f'rank{rank}/mark').read_text() for rank in (0, 1)]
    assert marks[0] == marks[1]
    (path,) = tmp_path.glob('out/rank0/*.pth')
    assert path.name == 'iter_2.pth'
