"""Work through many items in parallel, and go on where a run was cut off.

Finished records are kept in a journal, one json a line, so that a second run
redoes only items whose source changed or whose results are gone.
"""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.measured_process import end_with_parent


class WorkItem(Protocol):
    """One piece of work; picklable.

    Attributes:
        name (str): Unique among the items.
        fingerprint (str): Changes when the item has to be done anew.
    """

    name: str
    fingerprint: str


AnyItem = TypeVar('AnyItem', bound=WorkItem)
Work = Callable[[Any, AnyItem], dict]
OpenContext = Callable[[], AbstractContextManager]


def run_resumable(
    items: Sequence[AnyItem],
    work: Work,
    journal: Path,
    workers: int,
    *,
    context: OpenContext = nullcontext,
    is_whole: Callable[[dict], bool] = lambda record: True,
    unit: str = 'image',
) -> tuple[dict[str, dict], int]:
    """Do what the journal does not have, with a bar and an ETA.

    Args:
        items (Sequence[WorkItem]): All items.
        work (Callable[[Any, WorkItem], dict]): Does one item; returns what
            is to be known of it, as json can hold it. Has to be picklable
            where ``workers`` > 1: a function of the package or a
            :func:`functools.partial` of one.
        journal (Path): The journal's file.
        workers (int): Processes; 1 works in this one.
        context (Callable[[], AbstractContextManager]): Opens what all items
            share, once in each process; ``work`` gets it as its first
            argument. Picklable like ``work``. Defaults to
            :class:`contextlib.nullcontext`: None.
        is_whole (Callable[[dict], bool]): Whether the files that a record
            of an earlier run speaks of are still there. Defaults to yes.
        unit (str): What the bar counts. Defaults to ``'image'``.

    Returns:
        tuple[dict[str, dict], int]: What ``work`` returned, with ``name``
        and ``fingerprint`` of the item added, by name and in the order of
        ``items``; and the number of items done in this run.

    Raises:
        BadConfigError: If ``workers`` is below 1 or a worker was killed.
    """
    if workers < 1:
        raise BadConfigError(f'workers must be 1 or more, got {workers}')
    done = read_journal(journal)
    records = {
        item.name: done[item.name]
        for item in items
        if done.get(item.name, {}).get('fingerprint') == item.fingerprint
        and is_whole(done[item.name])
    }
    todo = [item for item in items if item.name not in records]
    # Rewritten first: this drops a cut-off line and what is out of date.
    write_atomically(journal, b''.join(map(canonical_json, records.values())))
    bar = tqdm(total=len(items), initial=len(records), unit=unit)
    with bar, journal.open('ab', buffering=0) as log:
        for item, result in _results(todo, work, context, workers):
            record = {
                **result,
                'name': item.name,
                'fingerprint': item.fingerprint,
            }
            log.write(canonical_json(record))
            records[item.name] = record
            bar.update()
    return {item.name: records[item.name] for item in items}, len(todo)


def read_journal(path: Path) -> dict[str, dict]:
    """Records of items that an earlier run has finished.

    Args:
        path (Path): One record a line; may be missing, and its last line may
            be cut off.

    Returns:
        dict[str, dict]: By name.
    """
    records = {}
    if path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                record = json.loads(line)
                records[record['name']] = record
            except (ValueError, KeyError, TypeError):
                continue
    return records


def _results(
    items: Sequence[AnyItem], work: Work, context: OpenContext, workers: int
) -> Iterator[tuple[AnyItem, dict]]:
    if workers == 1 or len(items) < 2:
        if items:
            with context() as shared:
                for item in items:
                    yield item, work(shared, item)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(items)),
        multiprocessing.get_context('spawn'),
        _start_worker,
        (work, context),
    )
    try:
        running: dict[Future, AnyItem] = {
            pool.submit(_work, item): item for item in items
        }
        # As they come: a slow item must not keep finished ones from the
        # journal.
        for future in as_completed(running):
            yield running.pop(future), future.result()
    except BrokenProcessPool as error:
        raise BadConfigError(
            'a worker process died, most likely for want of memory; run the '
            'same command again with --workers 1: it goes on from here'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_worker: dict[str, Any] = {}


def _start_worker(work: Work, context: OpenContext) -> None:
    # Ctrl-C reaches the whole group; only the parent should report it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    # Opened here, as an open zip must not be shared: processes would move
    # one file position.
    opened = context()
    _worker.update(work=work, opened=opened, shared=opened.__enter__())


def _work(item: WorkItem) -> dict:
    return _worker['work'](_worker['shared'], item)
