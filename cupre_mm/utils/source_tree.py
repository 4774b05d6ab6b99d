"""Files of a data set as they came: the interface, and folders."""

import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from cupre_mm.utils.errors import BadDataError

_CHUNK = 1 << 20


class SourceTree(ABC):
    """Read-only files of an archive or a folder, by their relative names.

    Attributes:
        path (Path): The archive or the folder.
        names (tuple[str]): Relative file names with forward slashes, sorted.
            Folders have no entry of their own.
    """

    path: Path
    names: tuple[str, ...]

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open one file for reading, without unpacking it.

        Args:
            name (str): One of :attr:`names`.

        Raises:
            BadDataError: If the file cannot be read; also while reading.
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of one file.

        Args:
            name (str): One of :attr:`names`.
        """

    def read(self, name: str) -> bytes:
        """All bytes of one file.

        Args:
            name (str): One of :attr:`names`.

        Raises:
            BadDataError: If the file cannot be read.
        """
        with self.open(name) as stream:
            return stream.read()

    def checksum(self, name: str) -> str:
        """Size and CRC-32 of one file; the same from archive and folder.

        Args:
            name (str): One of :attr:`names`.

        Returns:
            str: ``'<bytes>-<crc in hex>'``.
        """
        with self.open(name) as stream:
            return checksum_of(stream)

    def in_stored_order(self) -> tuple[str, ...]:
        """All names, in the order in which they are read fastest."""
        return self.names

    @abstractmethod
    def close(self) -> None:
        """Give the open file back, if there is one."""


class FolderTree(SourceTree):
    """A folder and all below it, linked folders included.

    Args:
        path (Path): The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names = tuple(sorted(_walk(path)))

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See :meth:`SourceTree.open`."""
        try:
            stream = (self.path / name).open('rb')
        except OSError as error:
            raise self._unreadable(name, error) from error
        with stream:
            yield stream

    def size(self, name: str) -> int:
        """See :meth:`SourceTree.size`."""
        try:
            return (self.path / name).stat().st_size
        except OSError as error:
            raise self._unreadable(name, error) from error

    def read(self, name: str) -> bytes:
        """See :meth:`SourceTree.read`."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise self._unreadable(name, error) from error

    def close(self) -> None:
        """See :meth:`SourceTree.close`."""

    def _unreadable(self, name: str, error: OSError) -> BadDataError:
        return BadDataError(f'cannot read {self.path / name}: {error}')


def checksum(content: bytes) -> str:
    """Size and CRC-32, written as :meth:`SourceTree.checksum` does.

    Args:
        content (bytes): All bytes of a file.

    Returns:
        str: ``'<bytes>-<crc in hex>'``.
    """
    return f'{len(content)}-{zlib.crc32(content):08x}'


def checksum_of(stream: BinaryIO) -> str:
    """The same of a stream, which is read to its end.

    Args:
        stream (BinaryIO): An open file.

    Returns:
        str: ``'<bytes>-<crc in hex>'``.
    """
    size = value = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        value = zlib.crc32(chunk, value)
    return f'{size}-{value:08x}'


def _walk(root: Path) -> Iterator[str]:
    visited = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:
            # A link to a folder above would otherwise be walked forever.
            subfolders.clear()
            continue
        visited.add(real)
        for file in files:
            yield (Path(folder) / file).relative_to(root).as_posix()
