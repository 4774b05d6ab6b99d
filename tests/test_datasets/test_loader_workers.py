import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from cupre_mm.datasets.loader_workers import end_workers_with_run
from tests.forked import in_process, wait_for


class LargeImages(torch.utils.data.Dataset):
    """More bytes than a pipe holds, so that a worker waits for a reader."""

    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return 100

    def __getitem__(self, index):
        (self.folder / str(os.getpid())).touch()
        return b'x' * 1_000_000


def read(folder, marks):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    loader = DataLoader(
        LargeImages(folder), num_workers=2, collate_fn=list, batch_size=1
    )
    end_workers_with_run(loader)
    stream = iter(loader)
    next(stream)
    marks.touch()
    signal.pause()


@pytest.mark.skipif(sys.platform != 'linux', reason='a signal of Linux')
def test_workers_end_with_a_killed_run(tmp_path):
    (tmp_path / 'workers').mkdir()
    process = in_process(read, tmp_path / 'workers', tmp_path / 'reads')
    wait_for((tmp_path / 'reads').exists)
    workers = [int(path.name) for path in (tmp_path / 'workers').iterdir()]
    assert workers
    assert all(map(is_alive, workers))
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    wait_for(lambda: not any(map(is_alive, workers)), 20)


def is_alive(process):
    try:
        status = Path(f'/proc/{process}/stat').read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(')')[2].split()[0] not in 'ZX'
