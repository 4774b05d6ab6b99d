"""Find the files of LIVECell in what a user downloaded.

Files are told by their names at any depth, so that the official layout,
single downloads put into one folder, zips and unpacked zips are all the same.
"""

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cupre_mm.utils.archives import is_archive_name, open_source
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.livecell.cell_types import cell_type_named
from cupre_mm.utils.zip_tree import open_entry

HINT = (
    'LIVECell is at https://sartorius-research.github.io/LIVECell/; '
    'data/README.md says which files are needed'
)
PARTS = ('train', 'val', 'test')

_FULL = re.compile(r'livecell_coco_(train|val|test)\.json', re.I)
_OFFICIAL = re.compile(r'(?:\d+_)?train(\d+)percent\.json', re.I)
_SINGLE = re.compile(
    r'(?:livecell_)?(?:([a-z0-9-]+)_)?(train|val|test)\.json', re.I
)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SourceFile:
    """One file of a folder or of a zip.

    Args:
        root (Path): The folder or the zip.
        name (str): Name within it, with forward slashes.
        size (int): Bytes.
        stamp (str): Changes when the file does: the checksum that the zip
            states, or the time at which the file was last written.
        zipped (bool): Whether ``root`` is a zip.
    """

    root: Path
    name: str
    size: int
    stamp: str
    zipped: bool

    def __str__(self) -> str:
        return f'{self.root}{":" if self.zipped else "/"}{self.name}'

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file for reading, a zipped one without unpacking it.

        Yields:
            BinaryIO: Its bytes.

        Raises:
            BadDataError: If it cannot be read.
        """
        if not self.zipped:
            try:
                stream = (self.root / self.name).open('rb')
            except OSError as error:
                raise self._unreadable(error) from error
            with stream:
                yield stream
        elif self.root.suffix.lower() != '.zip':
            with open_source(self.root) as tree, tree.open(self.name) as file:
                yield file
        else:
            # All of its entries were checked when the files were listed.
            try:
                archive = zipfile.ZipFile(self.root)
            except (zipfile.BadZipFile, OSError) as error:
                raise self._unreadable(error) from error
            with (
                archive,
                open_entry(
                    archive, archive.getinfo(self.name), self.root
                ) as entry,
            ):
                yield entry

    def _unreadable(self, error: Exception) -> BadDataError:
        return BadDataError(
            f'{self} cannot be read ({type(error).__name__}: {error}); '
            'download it again'
        )


@dataclass
class LivecellFiles:
    """The files found, by what they are; several of one kind are copies.

    Attributes:
        images (dict[str, list[SourceFile]]): TIFFs by file name.
        full (dict[str, list[SourceFile]]): Files of all cell types by part.
        single (dict[str, dict[str, list[SourceFile]]]): Files of one cell
            type by part and cell type.
        official (dict[int, list[SourceFile]]): Official training splits by
            percent.
        ignored (list[str]): Files that are none of these.
    """

    images: dict[str, list[SourceFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    full: dict[str, list[SourceFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    single: dict[str, dict[str, list[SourceFile]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    official: dict[int, list[SourceFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ignored: list[str] = field(default_factory=list)


def find_files(sources: Sequence[Path], out: Path) -> LivecellFiles:
    """Look through folders, zips and single files.

    Zips that lie in a folder are looked into as well. Hidden files and the
    shadow folders of archives made on a Mac are passed over.

    Args:
        sources (Sequence[Path]): Folders, zips and json files.
        out (Path): The output folder, whose files are no source.

    Returns:
        LivecellFiles: What was found.

    Raises:
        MissingDataError: If a source does not exist.
        BadDataError: If a zip cannot be used.
        BadConfigError: If a source lies in the output folder.
    """
    found = LivecellFiles()
    out = out.resolve()
    for source in sources:
        if source.resolve().is_relative_to(out):
            raise BadConfigError(
                f'{source} lies in the output folder {out}, where what is '
                'written could replace it: move the download to a folder of '
                'its own, such as downloads/livecell'
            )
        if source.is_file() and source.suffix.lower() == '.json':
            _sort_in(_of_folder(source.parent, source.name), found)
            continue
        for file in _list(source):
            path = (file.root / file.name).resolve()
            if not file.zipped and path.is_relative_to(out):
                continue
            if not file.zipped and is_archive_name(path):
                for packed in _list(file.root / file.name):
                    _sort_in(packed, found)
            else:
                _sort_in(file, found)
    return found


def the_one(files: Sequence[SourceFile]) -> SourceFile:
    """Choose among files that should be copies of each other.

    Args:
        files (Sequence[SourceFile]): At least one.

    Returns:
        SourceFile: The first of them that is not zipped, else the first.

    Raises:
        BadDataError: If they differ.
    """
    chosen = min(files, key=lambda file: file.zipped)
    for other in files:
        if other is not chosen and (
            other.size != chosen.size or _crc(other) != _crc(chosen)
        ):
            raise BadDataError(
                f'{chosen} and {other} have the same name but are not the '
                'same file; remove the wrong one'
            )
    return chosen


def _list(source: Path) -> Iterator[SourceFile]:
    with open_source(source, HINT) as tree:
        zipped = source.is_file()
        for name in tree.names:
            parts = PurePosixPath(name).parts
            if '__MACOSX' in parts or any(p.startswith('.') for p in parts):
                continue
            if zipped:
                stamp = tree.checksum(name)
                size = int(stamp.split('-')[0])
                yield SourceFile(source, name, size, stamp, True)
            else:
                yield _of_folder(source, name)


def _of_folder(folder: Path, name: str) -> SourceFile:
    try:
        status = (folder / name).stat()
    except OSError as error:
        raise BadDataError(
            f'{folder / name} cannot be read ({error}); mend or remove it'
        ) from error
    stamp = f'{status.st_size}-{status.st_mtime_ns}'
    return SourceFile(folder, name, status.st_size, stamp, False)


def _sort_in(file: SourceFile, found: LivecellFiles) -> None:
    path = PurePosixPath(file.name)
    if path.suffix.lower() in ('.tif', '.tiff'):
        found.images[path.name].append(file)
    elif match := _FULL.fullmatch(path.name):
        found.full[match[1].lower()].append(file)
    elif match := _OFFICIAL.fullmatch(path.name):
        found.official[int(match[1])].append(file)
    elif match := _SINGLE.fullmatch(path.name):
        # The site has <type>/train.json, copies of it are often named
        # livecell_<type>_train.json.
        folder = path.parent.name or file.root.name
        kind = cell_type_named(match[1] or folder)
        if kind is None:
            found.ignored.append(str(file))
        else:
            found.single[match[2].lower()][kind].append(file)
    else:
        found.ignored.append(str(file))


def _crc(file: SourceFile) -> int:
    value = 0
    with file.open() as stream:
        while chunk := stream.read(_CHUNK):
            value = zlib.crc32(chunk, value)
    return value
