"""Convert many images in parallel, and go on where a run was cut off.

Finished records are kept in a journal, one json a line, so that a second run
redoes only images whose source files changed or whose png is gone.
"""

import json
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cupre_mm.utils.archives import SourceTree, open_source
from cupre_mm.utils.atomic_write import make_folder, write_atomically
from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.mask_files import Item, convert_item

JOURNAL = 'instances.progress.jsonl'


def convert_resumable(
    tree: SourceTree, items: list[Item], out: Path, workers: int
) -> tuple[dict[str, dict], int]:
    """Convert what the journal does not have, with a bar and an ETA.

    Args:
        tree (SourceTree): The source.
        items (list[Item]): All images.
        out (Path): Gets ``images/`` and
            ``annotations/instances.progress.jsonl``.
        workers (int): Processes; 1 converts in this one.

    Returns:
        tuple[dict[str, dict], int]: Records by image id, see
        :func:`~cupre_mm.utils.mask_files.convert_item`, and the number of
        images converted in this run.
    """
    images, journal = out / 'images', out / 'annotations' / JOURNAL
    make_folder(images)
    done = read_journal(journal)
    records = {
        item.name: done[item.name]
        for item in items
        if done.get(item.name, {}).get('fingerprint') == item.fingerprint
        and (images / f'{item.name}.png').is_file()
    }
    todo = [item for item in items if item.name not in records]
    # Rewritten first: this drops a cut-off line and what is out of date.
    write_atomically(journal, b''.join(map(canonical_json, records.values())))
    bar = tqdm(total=len(items), initial=len(records), unit='image')
    with bar, journal.open('ab', buffering=0) as log:
        for record in _convert(tree, todo, images, workers):
            log.write(canonical_json(record))
            records[record['name']] = record
            bar.update()
    return records, len(todo)


def read_journal(path: Path) -> dict[str, dict]:
    """Records of images that an earlier run has finished.

    Args:
        path (Path): One record a line; may be missing, and its last line may
            be cut off.

    Returns:
        dict[str, dict]: By image id.
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


_worker: dict[str, Any] = {}


def _start_worker(src: Path, images: Path) -> None:
    # Ctrl-C reaches the whole group; only the parent should report it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An open zip must not be shared: processes would move one file position.
    context = open_source(src)
    _worker.update(context=context, tree=context.__enter__(), images=images)


def _work(item: Item) -> dict:
    return convert_item(_worker['tree'], item, _worker['images'])


def _convert(
    tree: SourceTree, items: list[Item], images: Path, workers: int
) -> Iterator[dict]:
    """Convert images in their order.

    Args:
        tree (SourceTree): The source.
        items (list[Item]): What to convert.
        images (Path): Folder for the png files.
        workers (int): Processes; 1 converts in this one.

    Yields:
        dict: See :func:`convert_item`.

    Raises:
        BadConfigError: If a worker was killed.
    """
    if workers == 1 or len(items) < 2:
        for item in items:
            yield convert_item(tree, item, images)
        return
    pool = ProcessPoolExecutor(
        workers,
        multiprocessing.get_context('spawn'),
        _start_worker,
        (tree.path, images),
    )
    try:
        yield from pool.map(_work, items)
    except BrokenProcessPool as error:
        raise BadConfigError(
            'a worker process died, most likely for want of memory; run the '
            'same command again with --workers 1: it goes on from here'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
