"""COCO annotation files larger than memory: read and written entry by entry.

What is written has the same bytes as
:func:`cupre_mm.utils.coco_json.canonical_json` gives.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import ijson

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.errors import BadDataError

OpenStream = Callable[[], AbstractContextManager[BinaryIO]]


def read_entries(
    open_stream: OpenStream, key: str, name: str | Path
) -> Iterator[dict[str, Any]]:
    """Give the entries of one list of a COCO file, one after the other.

    A mapping in place of the list, as the annotations of LIVECell's files of
    one cell type are, is read as the list of its values.

    Args:
        open_stream (Callable): Opens the file anew at each call.
        key (str): ``'images'``, ``'annotations'`` or ``'categories'``.
        name (str | Path): The file, for the messages.

    Yields:
        dict: The entries in the order of the file.

    Raises:
        BadDataError: If the file is not json, has no such list, or an entry
            is no mapping.
    """
    for read in (_list_entries, _mapped_entries):
        empty = True
        try:
            with open_stream() as stream:
                for entry in read(stream, key):
                    empty = False
                    if not isinstance(entry, dict):
                        raise BadDataError(
                            f'{name} is not COCO instance json: its {key} '
                            f'have an entry {entry!r}'
                        )
                    yield entry
        except ijson.JSONError as error:
            raise BadDataError(
                f'{name} is not valid json ({error}); it may be cut off: '
                'download or make it again'
            ) from error
        if not empty:
            return
    with open_stream() as stream:
        if not _has_key(stream, key):
            raise BadDataError(
                f'{name} is not COCO instance json: it has no list {key!r}; '
                'download or make it again'
            )


def _list_entries(stream: BinaryIO, key: str) -> Iterator[Any]:
    return ijson.items(stream, f'{key}.item', use_float=True)


def _mapped_entries(stream: BinaryIO, key: str) -> Iterator[Any]:
    for _, entry in ijson.kvitems(stream, key, use_float=True):
        yield entry


def _has_key(stream: BinaryIO, key: str) -> bool:
    return any(
        prefix == key and event in ('start_array', 'start_map')
        for prefix, event, _ in ijson.parse(stream)
    )


class CocoWriter:
    """A COCO file that is written while its annotations come in.

    Used as a context; left without :meth:`finish`, nothing is written.

    Args:
        path (Path): The target, replaced in one step by :meth:`finish`.

    Attributes:
        annotations (int): Annotations written so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.annotations = 0
        self._digest = hashlib.sha256()
        self._part = path.with_name(f'.{path.name}.{os.getpid()}.part')

    def __enter__(self) -> 'CocoWriter':
        make_folder(self.path.parent)
        self._file = self._part.open('wb')
        # Sorted keys put the annotations first.
        self._write(b'{"annotations":[')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, annotation: dict[str, Any]) -> None:
        """Write an annotation.

        Args:
            annotation (dict): As COCO has it.
        """
        self.add_encoded(canonical_json(annotation)[:-1])

    def add_encoded(self, annotation: bytes) -> None:
        """Write an annotation that goes into several files.

        Args:
            annotation (bytes): Canonical json without the newline.
        """
        if self.annotations:
            self._write(b',')
        self._write(annotation)
        self.annotations += 1

    def finish(self, **rest: Any) -> str:
        """Write what comes after the annotations and put the file in place.

        Args:
            **rest: ``categories``, ``images`` and ``info``; no key that
                sorts before ``annotations``.

        Returns:
            str: The file's SHA-256 in hex.
        """
        self._write(b'],' + canonical_json(rest)[1:])
        self._file.close()
        os.replace(self._part, self.path)
        return self._digest.hexdigest()

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)
