"""Files that are written piece by piece, and are whole or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cupre_mm.utils.atomic_write import make_folder


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name to write to, which becomes the target's at the end.

    Args:
        path (Path): The target; its folder is made where it is missing, and
            a file that has the name stays until the new one is whole.

    Yields:
        Path: A hidden name beside the target. All files opened under it are
        to be closed when the context ends. If it ends in an error, what was
        written is removed.
    """
    make_folder(path.parent)
    # The process id keeps two runs on one folder out of each other's way.
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
