"""Refuses json that is nested absurdly deep, while it is read.

A streaming parser keeps the path of names to each value: 100,000 brackets in
a row, 200 kB, would take it tens of gigabytes.
"""

import re
from typing import BinaryIO

import numpy as np

# COCO has six levels; Python's own parser gives up at about a thousand.
DEEPEST = 500
_ESCAPED = re.compile(rb'\\.', re.DOTALL)
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'"\\[]{}'))
_STEP = np.zeros(256, np.int64)
_STEP[list(b'[{')] = 1
_STEP[list(b']}')] = -1


class DepthLimit:
    """A file of json in UTF-8 that may be nested :data:`DEEPEST` deep.

    Args:
        file (BinaryIO): The file. It is read through ``read`` alone.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._depth = 0
        self._in_text = False
        self._rest = b''

    def read(self, size: int = -1) -> bytes:
        """Read, and look at what is read.

        Args:
            size (int): Bytes to read at most. Defaults to -1: all.

        Returns:
            bytes: What the file gives.

        Raises:
            ValueError: If it is nested too deep.
        """
        data = self._file.read(size)
        self._look(data)
        return data

    def _look(self, data: bytes) -> None:
        # Most of a large file are digits; only what shapes it is looked at.
        marks = self._rest + data.translate(None, _ALL_BUT_MARKS)
        if b'\\' in marks:
            marks = self._unescaped(data)
        else:
            self._rest = b''
        codes = np.frombuffer(marks, np.uint8)
        quotes = np.cumsum(codes == ord('"')) + self._in_text
        levels = np.cumsum(_STEP[codes] * (quotes % 2 == 0)) + self._depth
        if not len(codes):
            return
        self._in_text = bool(quotes[-1] % 2)
        self._depth = int(levels[-1])
        if levels.max() > DEEPEST:
            raise ValueError(f'it is nested more than {DEEPEST} levels deep')

    def _unescaped(self, data: bytes) -> bytes:
        """The marks of data without those that a backslash precedes."""
        plain = _ESCAPED.sub(b'', self._rest + data)
        # What it stands before comes with the next bytes.
        self._rest = b'\\' if plain.endswith(b'\\') else b''
        return plain.removesuffix(self._rest).translate(None, _ALL_BUT_MARKS)
