"""What a run over folders has done, kept for the next one."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.resumable import read_journal

JOURNAL = '.predict_journal.jsonl'
_CHUNK = 2**20
Record = dict[str, Any]


class RunJournal:
    """Records of images whose results are whole, one json a line.

    A record is written after the results of its image, so what is missing
    here is not finished, whatever lies in the folder.

    Args:
        out (Path): The output folder, which exists.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / JOURNAL
        self.is_new = not self._path.is_file()
        self._records = read_journal(self._path)

    def start(self) -> None:
        """Write it anew, without what a killed run has left half."""
        write_atomically(
            self._path, b''.join(map(canonical_json, self._records.values()))
        )

    def stems_of_others(self, names: Iterable[str]) -> list[str]:
        """Stems that results of other files have.

        Args:
            names (Iterable[str]): The files of this run.

        Returns:
            list[str]: Stems of all other files.
        """
        own = set(names)
        return sorted(
            {
                record['stem']
                for record in self._records.values()
                if record['file'] not in own
            }
        )

    def records_of(self, file: str) -> list[Record]:
        """Give what is known of a file, of whatever settings.

        Args:
            file (str): Name of the file.

        Returns:
            list[Record]: One for each image.
        """
        if not hasattr(self, '_by_file'):
            self._by_file: dict[str, list[Record]] = {}
            for record in self._records.values():
                self._by_file.setdefault(record['file'], []).append(record)
        return self._by_file.get(file, [])

    def whole_records(self, file: str, fingerprint: str) -> list[Record]:
        """Give the images of a file that need not be done again.

        Args:
            file (str): Name of the file.
            fingerprint (str): Of the file and the settings.

        Returns:
            list[Record]: Those whose results are as they were written.
        """
        return [
            record
            for record in self.records_of(file)
            if record['fingerprint'] == fingerprint
            and all(
                is_as_written(self._out, output)
                for output in record['outputs'].values()
            )
        ]

    def append(self, record: Record) -> None:
        """Add what is done now.

        Args:
            record (Record): With ``name``, ``file``, ``stem``,
                ``fingerprint`` and ``outputs``.
        """
        with self._path.open('ab', buffering=0) as log:
            log.write(canonical_json(record))
        self._records[record['name']] = record

    def forget(self, names: Iterable[str]) -> None:
        """Drop records, and write the journal anew if there were any.

        Args:
            names (Iterable[str]): Names of the records.
        """
        dropped = [self._records.pop(name, None) for name in names]
        if any(dropped):
            self.start()


def describe_output(out: Path, path: Path) -> dict[str, Any]:
    """Tell what a written file is to look like later.

    Args:
        out (Path): The output folder.
        path (Path): The file.

    Returns:
        dict: ``path`` below ``out``, ``bytes`` and ``sha256``.
    """
    return {
        'path': path.relative_to(out).as_posix(),
        'bytes': path.stat().st_size,
        'sha256': sha256_of(path),
    }


def is_as_written(out: Path, output: dict[str, Any]) -> bool:
    """Whether a file is still what was written.

    Args:
        out (Path): The output folder.
        output (dict): Of :func:`describe_output`.

    Returns:
        bool: No for one that is missing, cut off or edited.
    """
    path = out / output['path']
    try:
        return (
            path.stat().st_size == output['bytes']
            and sha256_of(path) == output['sha256']
        )
    except FileNotFoundError:
        return False


def set_aside(out: Path, output: dict[str, Any]) -> Path | None:
    """Make room for a new result: remove the old one, unless it was edited.

    Args:
        out (Path): The output folder.
        output (dict): Of :func:`describe_output`.

    Returns:
        Path: Where a file that is not as it was written lies now, as it may
        hold a user's corrections; None if there is none.
    """
    path = out / output['path']
    if is_as_written(out, output):
        path.unlink()
        return None
    if not path.is_file() or not path.stat().st_size:
        return None
    number = 1
    while (kept := path.with_name(f'{path.name}.changed{number}')).exists():
        number += 1
    os.replace(path, kept)
    return kept


def sha256_of(path: Path) -> str:
    """Hash a file.

    Args:
        path (Path): The file.

    Returns:
        str: SHA-256 in hex.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
