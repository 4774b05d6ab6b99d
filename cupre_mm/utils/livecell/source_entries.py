"""Read the lists of LIVECell's annotation files and show how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from tqdm import tqdm

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_stream import read_entries, read_list
from cupre_mm.utils.livecell.cell_types import base_name
from cupre_mm.utils.livecell.source_files import SourceFile


def entries_with_bar(source: SourceFile, key: str) -> Iterator[dict[str, Any]]:
    """Give the entries of a list, with a bar and an ETA.

    Args:
        source (SourceFile): The file.
        key (str): ``'annotations'``, which may be a mapping, or another.

    Yields:
        dict: The entries.

    Raises:
        BadDataError: If the file is not json, has no such list, or an entry
            is no mapping.
    """
    read = read_entries if key == 'annotations' else read_list
    with tqdm(
        total=source.size,
        unit='B',
        unit_scale=True,
        desc=f'{key} of {base_name(source.name)}',
        leave=False,
        # Small files are done before a bar would be read.
        delay=1,
    ) as bar:
        for entry in read(partial(_open, source, bar), key, source):
            if not isinstance(entry, dict):
                raise BadDataError(
                    f'{source} is not COCO instance json: its {key} have an '
                    f'entry {entry!r}'
                )
            yield entry


@contextmanager
def _open(source: SourceFile, bar: tqdm) -> Iterator['_CountedStream']:
    if bar.n:
        bar.reset()
    with source.open() as stream:
        yield _CountedStream(stream, bar)


class _CountedStream:
    """A stream that tells a bar what is read.

    It has no ``readinto``, which the parser would call past the bar.
    """

    def __init__(self, stream: BinaryIO, bar: tqdm) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        """Read and count."""
        data = self._stream.read(size)
        self._bar.update(len(data))
        return data
