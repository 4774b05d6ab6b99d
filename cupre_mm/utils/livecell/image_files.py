"""Put the images where the configs look for them: linked, copied, unpacked."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.livecell.cell_types import base_name
from cupre_mm.utils.livecell.source_files import SourceFile
from cupre_mm.utils.microscopy_io import probe_image
from cupre_mm.utils.resumable import run_resumable

WAYS = ('link', 'copy', 'symlink')


@dataclass(frozen=True)
class ImageItem:
    """An image to be placed.

    Args:
        name (str): File name in the output.
        source (SourceFile): Where it comes from.
        fingerprint (str): Changes when it has to be placed anew.
    """

    name: str
    source: SourceFile
    fingerprint: str


def place_images(
    files: Sequence[SourceFile],
    folder: Path,
    journal: Path,
    way: str = 'link',
    workers: int = 1,
) -> dict[str, dict]:
    """Place images and read their sizes; those placed before stay.

    Args:
        files (Sequence[SourceFile]): The images, each name once.
        folder (Path): The folder to put them in.
        journal (Path): Keeps what is done, see :func:`run_resumable`.
        way (str): ``'link'`` for hard links, with a copy where the file
            system has none; ``'copy'``; or ``'symlink'``. Images in a zip
            are unpacked in the first two cases. Defaults to ``'link'``.
        workers (int): Processes. Defaults to 1.

    Returns:
        dict[str, dict]: By file name: ``placed`` (``'hard-linked'``,
        ``'copied'``, ``'symlinked'`` or ``'unpacked'``), ``bytes``,
        ``height`` and ``width``; or ``problem`` where it is no whole image.

    Raises:
        BadConfigError: If ``way`` is none of these, or symbolic links are
            asked for to images in a zip.
    """
    if way not in WAYS:
        raise BadConfigError(
            f'images must be one of {", ".join(WAYS)}, got {way!r}'
        )
    zipped = [file for file in files if file.zipped]
    if way == 'symlink' and zipped:
        raise BadConfigError(
            f'--images symlink cannot point into a zip ({zipped[0].root}): '
            'unpack it, or use --images copy'
        )
    items = [
        ImageItem(base_name(file.name), file, f'{way} {file.stamp} {file}')
        for file in files
    ]
    make_folder(folder)
    records, _ = run_resumable(
        items,
        partial(_place, folder=folder, way=way),
        journal,
        workers,
        is_whole=partial(_is_there, folder=folder),
    )
    return records


def _place(_: None, item: ImageItem, folder: Path, way: str) -> dict:
    target = folder / item.name
    with _replacing(target) as part:
        if item.source.zipped:
            with item.source.open() as stream:
                content = stream.read()
            part.write_bytes(content)
            placed = 'unpacked'
        else:
            placed = _put(item.source.root / item.source.name, part, way)
        try:
            height, width = probe_image(part)
        except BadDataError as error:
            problem = str(error).replace(str(part), str(item.source))
            return {'problem': problem}
        size = part.stat().st_size
        os.replace(part, target)
    return {
        'placed': placed,
        'bytes': size,
        'height': int(height),
        'width': int(width),
    }


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    part = target.with_name(f'.{target.name}.{os.getpid()}.part')
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        # Also after a replacement: of two links to one file, replacing
        # one by the other does nothing.
        part.unlink(missing_ok=True)


def _put(source: Path, target: Path, way: str) -> str:
    source = source.resolve()
    if way == 'symlink':
        target.symlink_to(source)
        return 'symlinked'
    if way == 'link':
        try:
            os.link(source, target)
            return 'hard-linked'
        except OSError:
            # Another file system, or one without hard links.
            pass
    shutil.copyfile(source, target)
    return 'copied'


def _is_there(record: dict, folder: Path) -> bool:
    target = folder / record['name']
    return (
        'problem' not in record
        and target.is_file()
        and target.stat().st_size == record['bytes']
    )
