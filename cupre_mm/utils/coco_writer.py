"""COCO annotation files larger than memory, written entry by entry.

What is written has the same bytes as
:func:`cupre_mm.utils.coco_json.canonical_json` gives.
"""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import canonical_json


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
        # On a full disk closing fails, for it writes what is left.
        try:
            self._file.close()
        finally:
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
