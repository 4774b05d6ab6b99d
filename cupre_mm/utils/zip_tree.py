"""The files of a zip archive, read without unpacking it."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cupre_mm.utils.archive_limits import (
    MAX_BYTES_IN_MEMORY,
    ArchiveLimits,
    EntryCheck,
)
from cupre_mm.utils.bounded_stream import READ_ERRORS, bounded
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.source_tree import SourceTree

# Bytes of a local header without name and extra fields.
_LOCAL_HEADER = 30
_STREAMED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# zipfile decompresses all that it read of LZMA at once: 4 KiB can be 28 MiB.
_SMALL_STEP = 1 << 12


class ZipTree(SourceTree):
    """A zip archive, read without unpacking.

    Every entry is checked on opening; one bad entry refuses the whole
    archive: see :class:`~cupre_mm.utils.archive_limits.EntryCheck`. Links
    and devices are refused, and entries that share bytes of the archive.

    Args:
        path (Path): The archive.
        limits (ArchiveLimits, optional): How much it may hold. Defaults to
            None: as the environment says.

    Raises:
        BadDataError: If it is no zip, is cut off, or has a refused entry.
    """

    def __init__(
        self, path: Path, limits: ArchiveLimits | None = None
    ) -> None:
        self.path = path
        limits = limits or ArchiveLimits.from_environment()
        try:
            self._zip = zipfile.ZipFile(path)
        except READ_ERRORS as error:
            raise BadDataError(
                f'{path} ({path.stat().st_size} bytes) is not a zip archive '
                f'or is cut off: {error}; download it again'
            ) from error
        try:
            self._entries = self._checked_entries(limits)
        except BaseException:
            self._zip.close()
            raise
        self.names = tuple(sorted(self._entries))

    def _checked_entries(
        self, limits: ArchiveLimits
    ) -> dict[str, zipfile.ZipInfo]:
        check = EntryCheck(self.path, limits)
        entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            mode = entry.external_attr >> 16
            if stat.S_ISLNK(mode):
                raise check.refuse(entry.filename, 'is a symbolic link')
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise check.refuse(entry.filename, 'is a device or a pipe')
            if entry.compress_type == zipfile.ZIP_BZIP2:
                # zipfile decompresses all that it read at once, and a few
                # bytes of bzip2 can be gigabytes.
                raise check.refuse(
                    entry.filename,
                    'is packed by bzip2, which Python unpacks without a bound',
                )
            # zipfile ends a name at the first zero byte.
            name = entry.orig_filename
            folder = entry.is_dir()
            check.add(
                name if '\0' in name else entry.filename,
                entry.file_size,
                entry.compress_size,
                folder,
            )
            if not folder:
                entries[entry.filename] = entry
        _refuse_overlaps(self._zip, check)
        return entries

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See :meth:`SourceTree.open`."""
        with open_entry(self._zip, self._entries[name], self.path) as stream:
            yield stream

    def size(self, name: str) -> int:
        """See :meth:`SourceTree.size`."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """See :meth:`SourceTree.read`."""
        refuse_large(self.path, name, self.size(name))
        return super().read(name)

    def checksum(self, name: str) -> str:
        """See :meth:`SourceTree.checksum`; the one that the zip states."""
        entry = self._entries[name]
        return f'{entry.file_size}-{entry.CRC:08x}'

    def in_stored_order(self) -> tuple[str, ...]:
        """See :meth:`SourceTree.in_stored_order`."""
        return tuple(
            sorted(self.names, key=lambda n: self._entries[n].header_offset)
        )

    def close(self) -> None:
        """See :meth:`SourceTree.close`."""
        self._zip.close()


@contextmanager
def open_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path
) -> Iterator[BinaryIO]:
    """Open an entry of a zip that was checked before.

    Args:
        archive (zipfile.ZipFile): The open archive.
        entry (zipfile.ZipInfo): Of :meth:`zipfile.ZipFile.getinfo`.
        path (Path): The archive, for messages.

    Yields:
        BinaryIO: Its bytes.

    Raises:
        BadDataError: If it cannot be read, or is not as its header says.
    """
    title = f'{entry.filename!r} of {path}'
    try:
        source = archive.open(entry)
    except READ_ERRORS as error:
        raise BadDataError(
            f'cannot read {title} ({type(error).__name__}: {error}); '
            'download it again'
        ) from error
    step = 1 << 20 if entry.compress_type in _STREAMED else _SMALL_STEP
    with source, bounded(source, entry.file_size, title, step) as stream:
        yield stream


def refuse_large(path: Path, name: str, size: int) -> None:
    """Refuse to hold a file in memory that is too large for it.

    Args:
        path (Path): The archive.
        name (str): The file in it.
        size (int): Bytes.

    Raises:
        BadDataError: If it is larger than what is read at once.
    """
    if size > MAX_BYTES_IN_MEMORY:
        raise BadDataError(
            f'{name!r} of {path} has {size / 2**30:.3g} GiB, more than the '
            f'{MAX_BYTES_IN_MEMORY >> 30} GiB that are read out of an '
            'archive at once; unpack it with '
            'tools/dataset_converters/unpack.py and pass the folder'
        )


def _refuse_overlaps(archive: zipfile.ZipFile, check: EntryCheck) -> None:
    """Refuse entries that share their bytes, as those of a bomb do."""
    entries = sorted(archive.infolist(), key=lambda one: one.header_offset)
    ends = [one.header_offset for one in entries[1:]] + [archive.start_dir]
    for entry, end in zip(entries, ends):
        if entry.header_offset + _LOCAL_HEADER + entry.compress_size > end:
            raise check.refuse(
                entry.filename, 'overlaps the next one: a decompression bomb'
            )
