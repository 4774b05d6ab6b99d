"""One file of a microscope, turned into the images to train on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.stack_writer import StackWriter
from cupre_mm.utils.errors import UserError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.plane_selection import SPLIT


class PreparationItem(NamedTuple):
    """One file and what its images are to be called.

    Attributes:
        name (str): Path within the source.
        fingerprint (str): Changes when the file or an option does.
        path (str): A path, or the name of a zip's entry.
        stem (str): Of the written images, source folder included.
    """

    name: str
    fingerprint: str
    path: str
    stem: str


def convert_file(
    tree: SourceTree | None,
    item: PreparationItem,
    options: PreparationOptions,
    out: Path,
) -> dict[str, Any]:
    """Write the images of one file.

    Args:
        tree (SourceTree, optional): The zip that the file is in, or None for
            a file on the disk.
        item (PreparationItem): The file.
        options (PreparationOptions): What to make of it.
        out (Path): The folder that ``item.stem`` starts from.

    Returns:
        dict: ``error`` (why the file cannot be used, or None), ``stacks``
        (axes, shape, dtype of each image series used), ``notes`` (what was
        odd, and the memory that a very large image took) and ``images``,
        each with ``file``, ``shape``, ``digest``, ``hash``,
        ``labels`` (looks like a label image) and ``blank`` (no contrast).
    """
    record: dict[str, Any] = {
        'error': None,
        'stacks': [],
        'notes': [],
        'images': [],
    }
    try:
        with _on_disk(tree, item, out) as path:
            _convert(path, item, options, out, record)
    except UserError as error:
        message = str(error)
        named = item.path in message
        record['error'] = message if named else f'{item.path}: {message}'
    except MemoryError:
        record['error'] = (
            f'{item.path}: takes more memory than there is; run again with '
            '--workers 1 or with tiles (--tile-above)'
        )
    if record['error']:
        for image in record['images']:
            (out / image['file']).unlink(missing_ok=True)
        record['images'] = []
    return record


@contextmanager
def _on_disk(
    tree: SourceTree | None, item: PreparationItem, out: Path
) -> Iterator[Path]:
    """The file itself, or the zip's entry, unpacked for as long as needed."""
    if tree is None:
        yield Path(item.path)
        return
    content = tree.read(item.path)
    with TemporaryDirectory(prefix='.unpacked_', dir=out) as folder:
        path = Path(folder) / Path(item.path).name
        path.write_bytes(content)
        del content
        try:
            yield path
        except UserError as error:
            message = str(error).replace(str(path), f'{tree.path}/{item.path}')
            raise type(error)(message) from error


def _convert(
    path: Path,
    item: PreparationItem,
    options: PreparationOptions,
    out: Path,
    record: dict[str, Any],
) -> None:
    number = 0 if options.series == SPLIT else options.series
    while True:
        with open_stack(path, number) as stack:
            count = stack.layout.series
            several = options.series == SPLIT and count > 1
            stem = f'{item.stem}_s{number}' if several else item.stem
            StackWriter(stack, options, out, stem, record).write_all()
            if number == 0 and count > 1 and not several:
                record['notes'].append(
                    f'{count - 1} further image series not used (--series '
                    'split takes all)'
                )
        number += 1
        if not several or number == count:
            return


def remove_leftovers(out: Path) -> None:
    """Clear away what unpacked entries a killed run has left.

    Args:
        out (Path): As given to :func:`convert_file`.
    """
    for folder in out.glob('.unpacked_*'):
        shutil.rmtree(folder, ignore_errors=True)
