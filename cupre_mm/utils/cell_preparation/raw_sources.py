"""The files that the user names, as sources with a name each."""

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath

from cupre_mm.utils.archives import is_archive_name, open_source
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS

_GOOD_NAME = re.compile(r'[^./\\:][^/\\:]*')


@dataclass(frozen=True)
class RawSource:
    """A folder, glob pattern, list file, image or archive and its name.

    Attributes:
        name (str): Names the folder of the images that are made of it.
        path (str): As given.
    """

    name: str
    path: str

    @property
    def is_archive(self) -> bool:
        """Whether the files are entries of a zip or tar archive."""
        return is_archive_name(self.path) and os.path.isfile(self.path)

    def context(self) -> Callable[[], AbstractContextManager]:
        """What opens the source in each process: see ``run_resumable``."""
        if self.is_archive:
            return partial(open_source, self.path)
        return nullcontext


@dataclass(frozen=True)
class RawFile:
    """One file of a source.

    Attributes:
        name (str): Its path within the source, with forward slashes.
        path (str): Where it is: a path, or the name of the archive's entry.
        fingerprint (str): Changes when the file does.
        size (int): In bytes.
    """

    name: str
    path: str
    fingerprint: str
    size: int


@dataclass
class Listing:
    """What a source holds.

    Attributes:
        files (list[RawFile]): Image files in the order of their names.
        excluded (list[str]): Names that a pattern left out.
        passed_over (Counter): Files of other kinds, by extension.
    """

    files: list[RawFile] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def parse_raw_sources(arguments: Sequence[str]) -> list[RawSource]:
    """Read sources as they are written on the command line.

    Args:
        arguments (Sequence[str]): Each ``PATH`` or ``NAME=PATH``. Without a
            name, a folder has its own, a list file, archive or image that of
            the file, and a pattern that of its last folder without ``*``.

    Returns:
        list[RawSource]: In the same order.

    Raises:
        BadConfigError: If two sources have the same name, or one has none
            that a folder can have.
    """
    sources = []
    for argument in arguments:
        name, equals, path = argument.partition('=')
        if not equals or os.path.exists(argument) or os.sep in name:
            name, path = _name_of(argument), argument
        if not _GOOD_NAME.fullmatch(name) or not path:
            raise BadConfigError(
                f'{argument!r} gives a source the name {name!r}: give it '
                f'one that a folder can have, as in cells={path or "PATH"}'
            )
        sources.append(RawSource(name, path))
    folded = Counter(source.name.casefold() for source in sources)
    twice = [s for s in sources if folded[s.name.casefold()] > 1]
    if twice:
        raise BadConfigError(
            f'{len(twice)} sources are called {twice[0].name!r}: '
            f'{", ".join(source.path for source in twice)}. Give each a name '
            f'of its own, as in {twice[0].name}_1={twice[0].path}'
        )
    return sources


def list_files(source: RawSource, exclude: Sequence[str] = ()) -> Listing:
    """Find the image files of a source.

    A file counts as changed when its size or its time of change differs; in
    an archive, its size or checksum.

    Args:
        source (RawSource): The source.
        exclude (Sequence[str]): Patterns of files to leave out, compared
            with the file's name or, where they have a slash, with its path
            within the source. Defaults to ().

    Returns:
        Listing: What was found; the same on every machine.

    Raises:
        MissingDataError: If the source does not exist or has no image.
        BadDataError: If it is a damaged archive or list file.
    """
    listing = Listing()
    found = (
        _files_of_archive(source, listing)
        if source.is_archive
        else _files_on_disk(source, listing)
    )
    for file in sorted(found, key=lambda file: file.name.split('/')):
        if any(_matches(file.name, pattern) for pattern in exclude):
            listing.excluded.append(file.name)
        else:
            listing.files.append(file)
    if not listing.files:
        others = ', '.join(
            f'{n} {end}' for end, n in listing.passed_over.items()
        )
        raise MissingDataError(
            f'{source.path}: no image file ({", ".join(IMAGE_EXTENSIONS)}) '
            f'in it; excluded: {len(listing.excluded)}; other files: '
            f'{others or "none"}'
        )
    return listing


def unmatched_patterns(
    patterns: Sequence[str], listings: Sequence[Listing]
) -> list[str]:
    """Patterns that exclude nothing, most likely for a slip of the pen.

    Args:
        patterns (Sequence[str]): Given by the user.
        listings (Sequence[Listing]): Of all sources.

    Returns:
        list[str]: Those without any file.
    """
    names = [name for listing in listings for name in listing.excluded]
    return [
        pattern
        for pattern in patterns
        if not any(_matches(name, pattern) for name in names)
    ]


def _name_of(path: str) -> str:
    if glob.has_magic(path) and not os.path.exists(path):
        return Path(_fixed_part(path)).resolve().name
    whole = Path(path).expanduser().resolve()
    return whole.name if whole.is_dir() else whole.stem


def _fixed_part(pattern: str) -> str:
    """The folders of a pattern in front of its first wildcard."""
    parts = Path(os.path.expanduser(pattern)).parts[:-1]
    wild = [i for i, part in enumerate(parts) if glob.has_magic(part)]
    return os.path.join('.', *parts[: wild[0] if wild else None])


def _matches(name: str, pattern: str) -> bool:
    whole = '/' in pattern
    return fnmatchcase(name if whole else name.rpartition('/')[2], pattern)


def _files_of_archive(source: RawSource, listing: Listing) -> list[RawFile]:
    files = []
    with open_source(source.path) as tree:
        for name in tree.names:
            path = PurePosixPath(name)
            if any(part.startswith(('.', '__MACOSX')) for part in path.parts):
                continue
            if path.suffix.lower() not in IMAGE_EXTENSIONS:
                listing.passed_over[path.suffix or '(none)'] += 1
                continue
            checksum = tree.checksum(name)
            size = int(checksum.split('-')[0])
            files.append(RawFile(name, name, checksum, size))
    return files


def _files_on_disk(source: RawSource, listing: Listing) -> list[RawFile]:
    found = find_images(source.path, '', IMAGE_EXTENSIONS)
    listing.passed_over = found.passed_over
    path = os.path.expanduser(source.path)
    if os.path.isdir(path):
        root = path
    elif os.path.isfile(path):
        root = os.path.dirname(path)
    else:
        root = _fixed_part(path)
    files = []
    for file in found.files:
        status = os.stat(file)
        stamp = f'{status.st_size}-{status.st_mtime_ns}'
        name = _relative(file, root or '.')
        files.append(RawFile(name, file, stamp, status.st_size))
    return files


def _relative(file: str, root: str) -> str:
    """Path within a source; of a listed file elsewhere, its whole path."""
    relative = Path(os.path.relpath(file, root))
    if '..' in relative.parts:
        absolute = Path(os.path.abspath(file))
        relative = absolute.relative_to(absolute.anchor)
    return relative.as_posix()
