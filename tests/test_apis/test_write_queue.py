import threading
from concurrent.futures import CancelledError

import pytest

from cupre_mm.apis.write_queue import WriteQueue


def test_jobs_are_done_in_order_beside_the_caller():
    threads = []

    def write(item, found):
        threads.append(threading.current_thread())
        return item * found

    with WriteQueue(write) as queue:
        for item in range(5):
            queue.put(item, 10)
        assert list(queue.done()) == [(i, 10 * i) for i in range(5)]
        assert list(queue.done()) == []
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()


def test_no_more_wait_than_allowed():
    gate = threading.Event()
    with WriteQueue(lambda item: gate.wait(60) and item) as queue:
        for item in 'ab':
            queue.put(item)
        assert list(queue.done(most_waiting=2)) == []
        gate.set()
        finished = [item for item, _ in queue.done(most_waiting=1)]
        assert finished[0] == 'a'
        finished += [item for item, _ in queue.done()]
    assert finished == ['a', 'b']


def test_what_waits_behind_an_error_is_not_begun():
    begun = []
    gate = threading.Event()

    def write(item):
        gate.wait(60)
        begun.append(item)
        if item == 'b':
            raise OSError('disk full')

    with WriteQueue(write) as queue:
        for item in 'abc':
            queue.put(item)
        gate.set()
        with pytest.raises(OSError, match='disk full'):
            list(queue.done())
        with pytest.raises(CancelledError):
            list(queue.done())
    assert begun == ['a', 'b']


def test_jobs_are_done_after_an_error_outside():
    done = []
    gate = threading.Event()

    def write(item):
        gate.wait(60)
        done.append(item)

    def interrupted():
        with WriteQueue(write) as queue:
            queue.put('a')
            queue.put('b')
            gate.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ['a', 'b']
