"""The files of a tar archive, packed or not, read without unpacking it."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cupre_mm.utils.archive_limits import ArchiveLimits, EntryCheck
from cupre_mm.utils.bounded_stream import READ_ERRORS, bounded
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.source_tree import SourceTree, checksum_of
from cupre_mm.utils.zip_tree import refuse_large

TAR_SUFFIXES = (
    '.tar',
    '.tar.gz',
    '.tgz',
    '.tar.bz2',
    '.tbz2',
    '.tar.xz',
    '.txz',
)
_OPENERS = {b'\x1f\x8b': gzip.open, b'BZh': bz2.open, b'\xfd7zXZ': lzma.open}
_BLOCK = 512
# Names and other metadata of one entry; real ones have a few hundred bytes.
_LARGEST_HEADER = 1 << 20


class TarTree(SourceTree):
    """A tar archive, plain or packed by gzip, bzip2 or xz.

    Every entry is checked on opening, as in a zip; besides, tarfile's
    ``data`` filter has to let it pass. Links of any kind, devices and sparse
    files are refused. A packed tar is read in the order in which it is
    stored; going back in it means to decompress it from its start, so
    unpack a large one first.

    Args:
        path (Path): The archive.
        limits (ArchiveLimits, optional): How much it may hold. Defaults to
            None: as the environment says.

    Raises:
        BadDataError: If it is no tar, is cut off, or has a refused entry.
    """

    def __init__(
        self, path: Path, limits: ArchiveLimits | None = None
    ) -> None:
        self.path = path
        limits = limits or ArchiveLimits.from_environment()
        self._check = EntryCheck(path, limits)
        self._checksums: dict[str, str] | None = None
        with _reading(path):
            self._file = _open_unpacked(path)
        try:
            with _reading(path):
                counted = _Counted(
                    self._file, path, os.stat(path).st_size, limits
                )
                self._tar = tarfile.TarFile(fileobj=counted)
                self._entries = self._checked_entries()
                self._check_end(counted)
            counted.reads_headers = False
        except BaseException:
            self._file.close()
            raise
        self.names = tuple(sorted(self._entries))

    def _checked_entries(self) -> dict[str, tarfile.TarInfo]:
        entries: dict[str, tarfile.TarInfo] = {}
        for entry in self._tar:
            name = entry.name
            if entry.issym() or entry.islnk():
                raise self._check.refuse(
                    name, f'is a link (to {entry.linkname!r})'
                )
            if entry.issparse() or not (entry.isreg() or entry.isdir()):
                raise self._check.refuse(
                    name, 'is a device, a pipe or a sparse file'
                )
            if entry.isdir() and not PurePosixPath(name).parts:
                continue
            self._check.add(name, entry.size, entry.size, entry.isdir())
            self._filter(entry)
            if entry.isreg():
                entries[str(PurePosixPath(name))] = entry
        return entries

    def _filter(self, entry: tarfile.TarInfo) -> None:
        # Python 3.10 has it from 3.10.12 on.
        if not hasattr(tarfile, 'data_filter'):
            return
        try:
            tarfile.data_filter(entry, os.curdir)
        except tarfile.FilterError as error:
            raise self._check.refuse(
                entry.name, f'is unsafe ({error})'
            ) from None

    def _check_end(self, file: BinaryIO) -> None:
        """Refuse a tar whose end tarfile only took for one: a bad header."""
        file.seek(self._tar.offset)
        if file.read(_BLOCK) != bytes(_BLOCK):
            raise BadDataError(
                f'{self.path} is cut off or damaged at byte '
                f'{self._tar.offset}, after {len(self._entries)} files; '
                'download it again'
            )

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See :meth:`SourceTree.open`."""
        entry = self._entries[name]
        with (
            self._tar.extractfile(entry) as source,
            bounded(source, entry.size, f'{name!r} of {self.path}') as stream,
        ):
            yield stream

    def size(self, name: str) -> int:
        """See :meth:`SourceTree.size`."""
        return self._entries[name].size

    def read(self, name: str) -> bytes:
        """See :meth:`SourceTree.read`."""
        refuse_large(self.path, name, self.size(name))
        return super().read(name)

    def checksum(self, name: str) -> str:
        """See :meth:`SourceTree.checksum`; the first call reads all files."""
        if self._checksums is None:
            checksums = {}
            for each in self.in_stored_order():
                with self.open(each) as stream:
                    checksums[each] = checksum_of(stream)
            self._checksums = checksums
        return self._checksums[name]

    def in_stored_order(self) -> tuple[str, ...]:
        """See :meth:`SourceTree.in_stored_order`."""
        return tuple(self._entries)

    def close(self) -> None:
        """See :meth:`SourceTree.close`."""
        self._tar.close()
        self._file.close()


class _Counted(io.RawIOBase):
    """An unpacked tar that ends where a bomb begins."""

    def __init__(
        self,
        file: BinaryIO,
        path: Path,
        packed: int,
        limits: ArchiveLimits,
    ) -> None:
        super().__init__()
        self._file, self._path, self._packed = file, path, packed
        self._check = EntryCheck(path, limits)
        self._most = limits.max_bytes + limits.max_entries * 2 * _BLOCK
        self.reads_headers = True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            self._check_position(offset)
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        # tarfile takes the size of long names from the archive.
        if self.reads_headers and not 0 <= size <= _LARGEST_HEADER:
            raise BadDataError(
                f'{self._path} is refused: the name of an entry or its other '
                f'metadata have {size} bytes'
            )
        data = self._file.read(size)
        self._check_position(self._file.tell())
        return data

    def _check_position(self, position: int) -> None:
        self._check.check_ratio(position, self._packed, 'it')
        if position > self._most:
            raise BadDataError(
                f'{self._path} is refused: it goes on after {self._most} bytes'
            )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except BadDataError:
        raise
    except READ_ERRORS as error:
        raise BadDataError(
            f'{path} ({path.stat().st_size} bytes) is not a tar archive or '
            f'is cut off: {error}; download it again'
        ) from error


def _open_unpacked(path: Path) -> BinaryIO:
    with path.open('rb') as file:
        head = file.read(8)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return opener(path, 'rb')
    return path.open('rb')
