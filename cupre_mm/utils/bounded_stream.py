"""Reads of an archive's entry that do not trust what its header says."""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from cupre_mm.utils.errors import BadDataError

# RuntimeError: an encrypted entry; NotImplementedError: a compression that
# this Python was built without; ValueError: a file that was closed meanwhile.
READ_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


@contextmanager
def bounded(
    source: BinaryIO, size: int, title: str, step: int = 1 << 20
) -> Iterator[BinaryIO]:
    """Wrap the stream of an entry so that it gives just the size stated.

    Args:
        source (BinaryIO): The entry's bytes.
        size (int): What the header says that there are.
        title (str): Names entry and archive in messages.
        step (int): Bytes to ask for at a time. Defaults to 1 MiB.

    Yields:
        BinaryIO: The same bytes.

    Raises:
        BadDataError: While reading, if there are more or fewer bytes, or
            they cannot be decompressed.
    """
    yield io.BufferedReader(_Bounded(source, size, title, step), 1 << 16)


class _Bounded(io.RawIOBase):
    def __init__(
        self, source: BinaryIO, size: int, title: str, step: int
    ) -> None:
        super().__init__()
        self._source, self._size = source, size
        self._title, self._step = title, step
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            data = self._source.read(min(len(buffer), self._step))
        except BadDataError:
            raise
        except READ_ERRORS as error:
            raise BadDataError(
                f'cannot read {self._title} ({type(error).__name__}: '
                f'{error}); download it again'
            ) from error
        self._given += len(data)
        if self._given > self._size or (not data and self._given < self._size):
            raise BadDataError(
                f'cannot read {self._title}: its header speaks of '
                f'{self._size} bytes, but it holds '
                f'{"more" if data else self._given}'
            )
        buffer[: len(data)] = data
        return len(data)
