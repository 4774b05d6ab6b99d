"""Memory figures of a process, and its end with its parent."""

import mmap
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cupre_mm.utils.measured_process import memory_mib

PARENT = """
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import getpid

from cupre_mm.utils.measured_process import end_with_parent

if __name__ == '__main__':
    pool = ProcessPoolExecutor(1, get_context('spawn'), end_with_parent)
    print(pool.submit(getpid).result(), flush=True)
    pool.submit(time.sleep, 60).result()
"""


def test_memory_in_use_shows_and_the_peak_stays_when_it_is_freed():
    if not Path('/proc/self/status').exists():
        pytest.skip('only Linux tells memory in use from the peak')
    before = memory_mib()
    # A mapping of its own: an array may lie in memory that an earlier test
    # has freed and the process still holds.
    with mmap.mmap(-1, 64 * 2**20, mmap.MAP_PRIVATE) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
        during = memory_mib()
    after = memory_mib()
    assert during['RssAnon'] - before['RssAnon'] == pytest.approx(64, abs=8)
    assert during['VmRSS'] - before['VmRSS'] > 50
    assert after['VmRSS'] < during['VmRSS'] - 50
    # Linux counts pages in lots for each thread.
    assert after['VmHWM'] > during['VmRSS'] - 5


@pytest.mark.skipif(os.name != 'posix', reason='needs the signals of POSIX')
def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    script = tmp_path / 'parent.py'
    script.write_text(PARENT)
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {'PYTHONPATH': str(root)},
        text=True,
    )
    with parent:
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.send_signal(signal.SIGKILL)
    # A worker that stays would sleep for a minute.
    for _ in range(200):
        if not _is_running(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail('the worker outlived its parent')


def _is_running(process_id: int) -> bool:
    status = Path(f'/proc/{process_id}/stat')
    if Path('/proc').exists():
        # Z: ended, but nobody has asked for its exit code yet.
        return status.exists() and ' Z ' not in status.read_text()
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
