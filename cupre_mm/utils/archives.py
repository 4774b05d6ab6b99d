"""One view on a data set's original files: a zip or its unpacked folder."""

import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadDataError, MissingDataError


class SourceTree(ABC):
    """Read-only files of a zip or a folder, by their relative names.

    Attributes:
        path (Path): The zip or the folder.
        names (tuple[str]): Relative file names with forward slashes, sorted.
            Folders have no entry of their own.
    """

    path: Path
    names: tuple[str, ...]

    @abstractmethod
    def read(self, name: str) -> bytes:
        """All bytes of one file.

        Args:
            name (str): One of :attr:`names`.

        Raises:
            BadDataError: If the file cannot be read.
        """

    @abstractmethod
    def checksum(self, name: str) -> str:
        """Size and CRC-32 of one file; the same from zip and folder.

        Args:
            name (str): One of :attr:`names`.

        Returns:
            str: ``'<bytes>-<crc in hex>'``.
        """

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

    def read(self, name: str) -> bytes:
        """See :meth:`SourceTree.read`."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise BadDataError(
                f'cannot read {self.path / name}: {error}'
            ) from error

    def checksum(self, name: str) -> str:
        """See :meth:`SourceTree.checksum`."""
        return checksum(self.read(name))

    def close(self) -> None:
        """See :meth:`SourceTree.close`."""


class ZipTree(SourceTree):
    """A zip archive, read without unpacking.

    Every entry is checked on opening: a name that leaves the folder it would
    be unpacked into, a symbolic link or a name that occurs twice refuses the
    whole archive.

    Args:
        path (Path): The archive.

    Raises:
        BadDataError: If it is no zip, is cut off, or has a refused entry.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise BadDataError(
                f'{path} ({path.stat().st_size} bytes) is not a zip archive '
                f'or is cut off: {error}; download it again'
            ) from error
        try:
            self._entries = self._checked_entries()
        except BadDataError:
            self._zip.close()
            raise
        self.names = tuple(sorted(self._entries))

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            _check_name(entry, self.path)
            if entry.is_dir():
                continue
            if entry.filename in entries:
                raise BadDataError(
                    f'{self.path} holds {entry.filename!r} twice; unpack it '
                    'yourself, keep the right one and pass the folder'
                )
            entries[entry.filename] = entry
        return entries

    def read(self, name: str) -> bytes:
        """See :meth:`SourceTree.read`."""
        try:
            return self._zip.read(self._entries[name])
        # RuntimeError: an encrypted entry; NotImplementedError: a
        # compression that this Python was built without.
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise BadDataError(
                f'cannot read {name!r} of {self.path}: {error}'
            ) from error

    def checksum(self, name: str) -> str:
        """See :meth:`SourceTree.checksum`."""
        entry = self._entries[name]
        return f'{entry.file_size}-{entry.CRC:08x}'

    def close(self) -> None:
        """See :meth:`SourceTree.close`."""
        self._zip.close()


@contextmanager
def open_source(path: str | Path, hint: str = '') -> Iterator[SourceTree]:
    """Open a zip or a folder alike.

    Args:
        path (str | Path): The zip or the folder.
        hint (str): Where the data can be had; ends the message when ``path``
            does not exist. Defaults to ''.

    Yields:
        SourceTree: The files.

    Raises:
        MissingDataError: If ``path`` does not exist.
        BadDataError: If it is a file but not a usable zip.
    """
    path = Path(path)
    if not path.exists():
        raise MissingDataError(f'{path} does not exist. {hint}'.rstrip())
    tree = FolderTree(path) if path.is_dir() else ZipTree(path)
    try:
        yield tree
    finally:
        tree.close()


def checksum(content: bytes) -> str:
    """Size and CRC-32, written as :meth:`SourceTree.checksum` does.

    Args:
        content (bytes): All bytes of a file.

    Returns:
        str: ``'<bytes>-<crc in hex>'``.
    """
    return f'{len(content)}-{zlib.crc32(content):08x}'


def unpack(
    tree: SourceTree, out: Path, names: Iterable[str] | None = None
) -> tuple[int, int]:
    """Write the files of a tree into a folder; unchanged ones stay.

    Args:
        tree (SourceTree): The files.
        out (Path): The target folder.
        names (Iterable[str], optional): The names to write, for instance
            wrapped in a progress bar. Defaults to None: all.

    Returns:
        tuple[int, int]: Files written, and files that were there already
        with the same size and CRC-32.
    """
    written = kept = 0
    for name in tree.names if names is None else names:
        target = out / name
        if target.is_file() and _same(target, tree.checksum(name)):
            kept += 1
            continue
        write_atomically(target, tree.read(name))
        written += 1
    return written, kept


def _same(target: Path, expected: str) -> bool:
    size = expected.split('-')[0]
    return (
        str(target.stat().st_size) == size
        and checksum(target.read_bytes()) == expected
    )


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


def _check_name(entry: zipfile.ZipInfo, archive: Path) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        reason = 'is a symbolic link'
    elif path.is_absolute() or '..' in path.parts:
        reason = 'points outside the folder it would be unpacked into'
    elif '\\' in name or ':' in name:
        reason = 'has a backslash or a colon, which some systems take as path'
    elif not path.parts:
        reason = 'has no name'
    else:
        return
    raise BadDataError(
        f'{archive} is refused: its entry {name!r} {reason}. Take the archive '
        'from its original site, or unpack it yourself and pass the folder'
    )
