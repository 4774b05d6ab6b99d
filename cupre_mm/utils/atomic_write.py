"""Files that are either whole or absent, whenever a run is cut off."""

import os
from pathlib import Path

from cupre_mm.utils.errors import BadConfigError


def make_folder(folder: Path) -> None:
    """Make an output folder and its parents.

    Args:
        folder (Path): The folder; may exist already.

    Raises:
        BadConfigError: If a file stands where the folder should be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadConfigError(
            f'cannot make the folder {folder}: a file of that name is in '
            'the way; remove it or choose another output folder'
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target, then rename over it.

    Args:
        path (Path): The target; its folder is made where it is missing.
        content (bytes): All of the file.
    """
    make_folder(path.parent)
    # The process id keeps two runs on one folder out of each other's way.
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
