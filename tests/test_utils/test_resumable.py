import multiprocessing
import os
import signal
import time
from concurrent.futures import process
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from cupre_mm.utils import resumable
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.resumable import read_journal, run_resumable


class Item(NamedTuple):
    name: str
    fingerprint: str


ITEMS = [Item(f'item{index}', f'print{index}') for index in range(5)]


@contextmanager
def shared_value(value):
    yield value


def write_file(shared, item, folder):
    (folder / item.name).write_text(f'{shared} {item.name}')
    return {'length': len(item.name), 'shared': shared}


def die_at_third(shared, item):
    if item.name == 'item2':
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


def run(folder, items=ITEMS, workers=1, shared='given'):
    folder.mkdir(exist_ok=True)
    return run_resumable(
        items,
        partial(write_file, folder=folder),
        folder / 'journal.jsonl',
        workers,
        context=partial(shared_value, shared),
        is_whole=lambda record: (folder / record['name']).is_file(),
    )


def test_parallel_and_serial_records_agree(tmp_path):
    one, count = run(tmp_path / 'one')
    two, _ = run(tmp_path / 'two', workers=2)
    assert count == 5
    assert one == two
    assert list(one) == list(two) == [item.name for item in ITEMS]
    for item in ITEMS:
        text = (tmp_path / 'two' / item.name).read_text()
        assert text == f'given {item.name}'


def test_records_carry_name_and_fingerprint(tmp_path):
    records, _ = run(tmp_path, ITEMS[:1])
    assert records['item0'] == {
        'name': 'item0',
        'fingerprint': 'print0',
        'length': 5,
        'shared': 'given',
    }


def test_only_changed_and_lost_items_are_redone(tmp_path):
    run(tmp_path)
    assert run(tmp_path)[1] == 0
    (tmp_path / 'item1').unlink()
    changed = [*ITEMS[:3], Item('item3', 'changed'), ITEMS[4]]
    records, count = run(tmp_path, changed)
    assert count == 2
    assert records['item3']['fingerprint'] == 'changed'
    assert list(records) == [item.name for item in changed]


def test_a_cut_off_journal_line_is_redone(tmp_path):
    whole, _ = run(tmp_path)
    journal = tmp_path / 'journal.jsonl'
    journal.write_bytes(journal.read_bytes()[:-9])
    assert len(read_journal(journal)) == 4
    records, count = run(tmp_path)
    assert count == 1
    assert records == read_journal(journal) == whole


def test_items_that_left_the_source_leave_the_journal(tmp_path):
    run(tmp_path)
    records, count = run(tmp_path, ITEMS[:2])
    assert (len(records), count) == (2, 0)
    assert len(read_journal(tmp_path / 'journal.jsonl')) == 2


def test_nothing_to_do_opens_nothing(tmp_path):
    run(tmp_path)
    records, count = run_resumable(
        ITEMS, die_at_third, tmp_path / 'journal.jsonl', 1, context=None
    )
    assert (len(records), count) == (5, 0)


def test_what_was_done_before_an_interruption_is_kept(tmp_path):
    def stop_at_third(shared, item):
        if item.name == 'item2':
            raise KeyboardInterrupt
        return {}

    journal = tmp_path / 'journal.jsonl'
    with pytest.raises(KeyboardInterrupt):
        run_resumable(ITEMS, stop_at_third, journal, 1)
    assert list(read_journal(journal)) == ['item0', 'item1']


def test_a_killed_worker_is_an_error_that_says_what_to_do(tmp_path):
    journal = tmp_path / 'journal.jsonl'
    with pytest.raises(BadConfigError, match='--workers 1'):
        run_resumable(ITEMS, die_at_third, journal, 2)
    assert 'item2' not in read_journal(journal)


def note_process(shared, item, folder):
    (folder / item.name).write_text(str(os.getpid()))
    time.sleep(60)
    return {}


def is_alive(process_id):
    try:
        state = Path(f'/proc/{process_id}/stat').read_text()
    except OSError:
        return False
    return state.rpartition(')')[2].split()[0] != 'Z'


@pytest.mark.skipif(
    not Path('/proc').is_dir(), reason='reads the processes from /proc'
)
def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    work = partial(note_process, folder=tmp_path)
    parent = multiprocessing.get_context('spawn').Process(
        target=run_resumable, args=(ITEMS, work, tmp_path / 'journal', 2)
    )
    parent.start()
    notes = [tmp_path / 'item0', tmp_path / 'item1']
    wait_until(lambda: all(n.is_file() and n.read_text() for n in notes))
    workers = [int(note.read_text()) for note in notes]
    assert all(map(is_alive, workers))
    os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, workers)))


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail('not within half a minute')


def test_no_workers_are_refused(tmp_path):
    with pytest.raises(BadConfigError, match='1 or more, got 0'):
        run_resumable(ITEMS, die_at_third, tmp_path / 'journal.jsonl', 0)


def test_no_more_processes_than_items(tmp_path, monkeypatch):
    asked = []

    def pool(workers, *args):
        asked.append(workers)
        return process.ProcessPoolExecutor(workers, *args)

    monkeypatch.setattr(resumable, 'ProcessPoolExecutor', pool)
    run(tmp_path, ITEMS[:2], workers=64)
    assert asked == [2]
