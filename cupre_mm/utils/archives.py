"""One view on a data set's original files: an archive or a folder."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cupre_mm.utils.archive_limits import check_free_space
from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.source_tree import (
    FolderTree,
    SourceTree,
    checksum,
    checksum_of,
)
from cupre_mm.utils.tar_tree import TAR_SUFFIXES, TarTree
from cupre_mm.utils.zip_tree import ZipTree

__all__ = [
    'ARCHIVE_SUFFIXES',
    'FolderTree',
    'SourceTree',
    'TarTree',
    'ZipTree',
    'checksum',
    'is_archive_name',
    'open_source',
    'unpack',
]

ARCHIVE_SUFFIXES = ('.zip', *TAR_SUFFIXES)
_CHUNK = 1 << 20


def is_archive_name(path: str | Path) -> bool:
    """Whether a file is named as an archive that can be read.

    Args:
        path (str | Path): The file.
    """
    return str(path).lower().endswith(ARCHIVE_SUFFIXES)


@contextmanager
def open_source(path: str | Path, hint: str = '') -> Iterator[SourceTree]:
    """Open an archive or a folder alike.

    Args:
        path (str | Path): The zip, the tar (also packed by gzip, bzip2 or
            xz; told by its name) or the folder.
        hint (str): Where the data can be had; ends the message when ``path``
            does not exist. Defaults to ''.

    Yields:
        SourceTree: The files.

    Raises:
        MissingDataError: If ``path`` does not exist.
        BadDataError: If it is a file but not a usable archive, or one that
            could do harm: see :mod:`cupre_mm.utils.archive_limits`.
    """
    path = Path(path)
    if not path.exists():
        raise MissingDataError(f'{path} does not exist. {hint}'.rstrip())
    if path.is_dir():
        tree: SourceTree = FolderTree(path)
    elif str(path).lower().endswith(TAR_SUFFIXES):
        tree = TarTree(path)
    else:
        tree = ZipTree(path)
    try:
        yield tree
    finally:
        tree.close()


def unpack(
    tree: SourceTree, out: Path, names: Iterable[str] | None = None
) -> tuple[int, int]:
    """Write the files of a tree into a folder; unchanged ones stay.

    Files are copied in parts, whatever their size, and are whole or absent.

    Args:
        tree (SourceTree): The files.
        out (Path): The target folder.
        names (Iterable[str], optional): The names to write, for instance
            wrapped in a progress bar. Defaults to None: all.

    Returns:
        tuple[int, int]: Files written, and files that were there already
        with the same size and CRC-32.

    Raises:
        BadDataError: If a file cannot be read, or the disk has less space
            than the missing files take.
    """
    names = tree.in_stored_order() if names is None else names
    check_free_space(
        out,
        sum(
            tree.size(name)
            for name in tree.names
            if not _has_size(out / name, tree.size(name))
        ),
    )
    written = kept = 0
    for name in names:
        target = out / name
        if _has_size(target, tree.size(name)) and _same(
            target, tree.checksum(name)
        ):
            kept += 1
            continue
        _copy(tree, name, target)
        written += 1
    return written, kept


def _copy(tree: SourceTree, name: str, target: Path) -> None:
    make_folder(target.parent)
    part = target.with_name(f'.{target.name}.{os.getpid()}.part')
    try:
        with tree.open(name) as stream, part.open('wb') as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _has_size(target: Path, size: int) -> bool:
    return target.is_file() and target.stat().st_size == size


def _same(target: Path, expected: str) -> bool:
    with target.open('rb') as stream:
        return checksum_of(stream) == expected
