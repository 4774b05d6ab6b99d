"""From the paths of a config to the image files they stand for."""

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cupre_mm.utils.errors import BadDataError, MissingDataError


@dataclass
class ImagePaths:
    """Image files found, and what was passed over on the way.

    Attributes:
        files (list[str]): Image files, each once, in the same order on
            every machine.
        passed_over (Counter): Files of other kinds, counted by extension.
    """

    files: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def find_images(
    paths: str | Sequence[str], root: str, extensions: Sequence[str]
) -> ImagePaths:
    """Find the images that folders, globs, list files or files name.

    Folders are searched with all their sub-folders, links followed. Hidden
    files and folders (a leading dot, and macOS archives' ``__MACOSX``) hold
    no images of the user and are not looked at.

    Args:
        paths (str | Sequence[str]): Each a folder, a glob pattern (``**``
            spans folders), a ``.txt`` file with one image path a line, or
            an image file.
        root (str): Folder that relative paths start from, those inside list
            files too.
        extensions (Sequence[str]): Extensions of image files, in any case.
            Lines of a list file and single files are taken whatever their
            extension.

    Returns:
        ImagePaths: What was found.

    Raises:
        MissingDataError: If a path does not exist, a pattern matches
            nothing, or a list file names files that are not there.
        BadDataError: If a list file is not UTF-8 text.
    """
    found = ImagePaths()
    for path in [paths] if isinstance(paths, str) else paths:
        full = os.path.join(root, os.path.expanduser(path))
        if os.path.isdir(full):
            _search_folder(full, extensions, found)
        elif os.path.isfile(full):
            is_list = full.lower().endswith('.txt')
            found.files += _read_list(full, root) if is_list else [full]
        elif glob.has_magic(path):
            # A bracket in the root's own name is no part of the pattern.
            pattern = os.path.join(glob.escape(root), os.path.expanduser(path))
            _search_pattern(pattern, extensions, found)
        else:
            raise MissingDataError(
                f'no such file or folder: {full} (from {os.getcwd()})'
            )
    found.files = list(dict.fromkeys(found.files))
    return found


def _search_folder(
    folder: str, extensions: Sequence[str], found: ImagePaths
) -> None:
    files, entered = [], set()
    for parent, children, names in os.walk(folder, followlinks=True):
        # A link to a folder above would be walked without end.
        real = os.path.realpath(parent)
        # Sorted, so that of two links to one folder the same one counts.
        children[:] = [] if real in entered else sorted(_visible(children))
        if real not in entered:
            files += [os.path.join(parent, name) for name in _visible(names)]
        entered.add(real)
    _keep_images(files, folder, extensions, found)


def _search_pattern(
    pattern: str, extensions: Sequence[str], found: ImagePaths
) -> None:
    matches = glob.glob(pattern, recursive=True)
    if not matches:
        raise MissingDataError(
            f'no file matches the pattern {pattern} (from {os.getcwd()})'
        )
    files = [match for match in matches if os.path.isfile(match)]
    _keep_images(files, '', extensions, found)
    if '**' not in pattern:
        for folder in sorted(filter(os.path.isdir, matches)):
            _search_folder(folder, extensions, found)


def _keep_images(
    files: list[str], folder: str, extensions: Sequence[str], found: ImagePaths
) -> None:
    wanted = tuple(extension.lower() for extension in extensions)
    images = []
    for file in files:
        if file.lower().endswith(wanted):
            images.append(file)
        else:
            found.passed_over[Path(file).suffix or '(none)'] += 1
    # By code point of the path's parts: file systems and locales differ.
    found.files += sorted(
        images,
        key=lambda file: Path(os.path.relpath(file, folder or '.')).parts,
    )


def _visible(names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if not name.startswith('.') and name != '__MACOSX'
    ]


def _read_list(list_file: str, root: str) -> list[str]:
    try:
        text = Path(list_file).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise BadDataError(
            f'{list_file} is not UTF-8 text ({error}): save it as UTF-8 with '
            'one image path a line'
        ) from error
    lines = text.splitlines()
    files = [
        os.path.join(root, line.strip()) for line in lines if line.strip()
    ]
    missing = [file for file in files if not os.path.isfile(file)]
    if missing:
        raise MissingDataError(
            f'{len(missing)} of the {len(files)} files that {list_file} '
            f'names do not exist, the first: {", ".join(missing[:20])}. '
            f'Its relative lines start from {root or os.getcwd()}.'
        )
    return files
