"""A process of several is killed or hangs: the others end, a resume goes on.

The bounds are generous: a busy machine needs long to notice anything.
docs/distributed.md has measured times.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.launched_runs import TRAIN, is_alive, write_config
from tests.tiny_amt2 import ROOT, changed
from tests.two_processes import environment, torchrun

pytestmark = [pytest.mark.distributed, pytest.mark.slow]

ITERATIONS = 4
# Seconds from the loss of one process to the end of all.
BOUND = 90
RUN = {
    'train_cfg.max_iters': ITERATIONS,
    'default_hooks.checkpoint.interval': 2,
}


def seconds_since_loss(folder: Path) -> float:
    return time.time() - float((folder / 'lost_at').read_text())


def of_ranks(folder: Path) -> list[dict]:
    return [
        torch.load(folder / f'rank{rank}.pth', weights_only=False)
        for rank in range(2)
    ]


def start_ranks(config: Path, work_dir: Path) -> list[subprocess.Popen]:
    """Start two processes without torchrun, which would end the other."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    return [
        subprocess.Popen(
            [
                *(sys.executable, TRAIN, config),
                *('--launcher', 'pytorch', '--work-dir', work_dir),
            ],
            cwd=ROOT,
            env=environment(
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                WORLD_SIZE='2',
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=str(port),
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def test_killed_rank_ends_the_run_and_both_ranks_resume(demo_data, tmp_path):
    whole = write_config(tmp_path / 'whole.py', demo_data, RUN)
    lost = write_config(
        tmp_path / 'lost.py', demo_data, RUN, lost_rank=1, lost_at=3
    )
    rest = write_config(tmp_path / 'rest.py', demo_data, RUN)
    flags = ['--launcher', 'pytorch', '--work-dir']
    done = torchrun(TRAIN, whole, *flags, tmp_path / 'whole_work')
    assert done.returncode == 0, done.stderr

    killed = torchrun(TRAIN, lost, *flags, tmp_path / 'work')
    seconds = seconds_since_loss(tmp_path / 'lost')
    assert killed.returncode not in (0, 75)
    assert 'SIGKILL' in killed.stderr
    assert seconds < BOUND
    assert not is_alive(tmp_path / 'lost/pid0')

    done = torchrun(TRAIN, rest, *flags, tmp_path / 'work', '--resume')
    assert done.returncode == 0, done.stderr
    for one, other in zip(
        of_ranks(tmp_path / 'whole'), of_ranks(tmp_path / 'rest')
    ):
        assert other['iterations'] == one['iterations'][2:]
        assert other['losses'] == one['losses'][2:]
        assert not changed(one['state'], other['state'])
        assert other['random'].equal(one['random'])
        moments = (run['optimizer']['state'] for run in (one, other))
        for mine, theirs in zip(*(run.values() for run in moments)):
            assert mine['momentum_buffer'].equal(theirs['momentum_buffer'])


def test_rank_whose_partner_is_killed_ends_without_torchrun(
    demo_data, tmp_path
):
    config = write_config(
        tmp_path / 'run.py', demo_data, RUN, lost_rank=1, lost_at=1
    )
    first, second = start_ranks(config, tmp_path / 'work')
    assert second.wait(600) == -signal.SIGKILL
    message = first.communicate(timeout=BOUND)[1]
    assert first.returncode not in (0, 75)
    assert 'Error' in message


def test_rank_whose_partner_hangs_ends_after_the_timeout(demo_data, tmp_path):
    timeout = 15
    config = write_config(
        tmp_path / 'run.py',
        demo_data,
        {**RUN, 'env_cfg': dict(dist_cfg=dict(timeout=timeout))},
        lost_rank=1,
        lost_at=1,
        lost_by='SIGSTOP',
    )
    first, second = start_ranks(config, tmp_path / 'work')
    try:
        message = first.communicate(timeout=600)[1]
        seconds = seconds_since_loss(tmp_path / 'run')
        assert second.poll() is None
    finally:
        os.kill(second.pid, signal.SIGKILL)
        second.communicate()
    assert first.returncode not in (0, 75)
    assert f'{timeout}000ms' in message
    assert timeout - 1 < seconds < timeout + BOUND
