import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest

from cupre_mm.utils.worker_shield import shield_workers

FORK = multiprocessing.get_context('fork')


@pytest.fixture
def shielded() -> Iterator[None]:
    shield_workers([signal.SIGTERM, signal.SIGINT])
    yield
    shield_workers([])


def forked(target, *args) -> multiprocessing.Process:
    process = FORK.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def signal_from_a_sibling(process, number: int) -> None:
    sender = forked(os.kill, process.pid, number)
    sender.join()
    process.join(0.3)


@pytest.mark.usefixtures('shielded')
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_worker_obeys_its_parent_alone(number):
    worker = forked(time.sleep, 600)
    signal_from_a_sibling(worker, number)
    assert worker.is_alive()
    worker.terminate()
    worker.join()
    assert worker.exitcode == 0


@pytest.mark.usefixtures('shielded')
def test_processes_after_the_run_are_as_usual():
    shield_workers([])
    worker = forked(time.sleep, 600)
    signal_from_a_sibling(worker, signal.SIGTERM)
    # It ends when the machine gets to it.
    worker.join(60)
    assert worker.exitcode == -signal.SIGTERM


def test_the_process_itself_is_not_shielded(request):
    # A shell starts what runs in the background with SIGINT ignored.
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        request.getfixturevalue('shielded')
        forked(int).join()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert signal.SIGTERM not in blocked
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
