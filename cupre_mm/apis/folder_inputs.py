"""The image files that a run over folders reads, and where results go."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cupre_mm.apis.run_journal import JOURNAL
from cupre_mm.utils.archives import is_archive_name
from cupre_mm.utils.cell_preparation.raw_sources import (
    RawFile,
    RawSource,
    list_files,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS

# How the images of one file are told apart.
_PLANE = re.compile(r'_[stzpc]\d+$')


@dataclass
class FolderInputs:
    """What is to be segmented.

    Attributes:
        files (list[RawFile]): Image files, each once; their names are paths
            below ``root``.
        root (Path): The folder that all inputs lie in.
        excluded (int): Files that a pattern left out. Defaults to 0.
        in_out (int): Image files that lie in the output folder and were not
            taken. Defaults to 0.
        passed_over (Counter): Files of other kinds, by extension.
    """

    files: list[RawFile]
    root: Path
    excluded: int = 0
    in_out: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)


def find_inputs(
    arguments: Sequence[str], out: Path, exclude: Sequence[str] = ()
) -> FolderInputs:
    """Find the images that the user names.

    Folders are searched with their sub-folders; hidden files are not looked
    at, nor is the output folder where it lies in one of them.

    Args:
        arguments (Sequence[str]): Each a folder, a glob pattern, a ``.txt``
            file with one image path a line, or an image.
        out (Path): The output folder.
        exclude (Sequence[str]): Patterns of files to leave out. Defaults
            to ().

    Returns:
        FolderInputs: The files, in the same order on every machine.

    Raises:
        MissingDataError: If an argument does not exist or there is no image.
        BadConfigError: If results would be written among the inputs.
    """
    target = out.resolve()
    found: dict[str, Path] = {}
    stamps: dict[str, RawFile] = {}
    roots = []
    inputs = FolderInputs([], Path())
    for argument in arguments:
        if is_archive_name(argument) and os.path.isfile(argument):
            raise BadConfigError(
                f'{argument} is an archive: unpack it and give the folder'
            )
        listing = list_files(RawSource('', argument), exclude)
        inputs.excluded += len(listing.excluded)
        inputs.passed_over += listing.passed_over
        if os.path.isdir(os.path.expanduser(argument)):
            root = Path(os.path.expanduser(argument)).resolve()
            roots.append(root)
        else:
            places = [_folder_of(file) for file in listing.files]
            root = Path(os.path.commonpath(places))
            roots.append(root)
        if target == root:
            raise BadConfigError(
                f'the output folder {out} is the folder of the images: '
                'choose another one, results are never written among them'
            )
        for file in listing.files:
            path = Path(os.path.abspath(os.path.expanduser(file.path)))
            place = path.parent.resolve() / path.name
            # Results of an earlier run are no images to segment; what a user
            # names one by one is.
            if root in target.parents and target in place.parents:
                inputs.in_out += 1
                continue
            found.setdefault(str(place), path)
            stamps.setdefault(str(place), file)
    if inputs.in_out and not (target / JOURNAL).is_file():
        raise BadConfigError(
            f'the output folder {out} lies among the images and holds '
            f'{inputs.in_out} images that this tool has not written: choose '
            'another one'
        )
    if not found:
        raise MissingDataError(
            f'{", ".join(arguments)}: all {inputs.in_out} images lie in the '
            f'output folder {out}, whose files are not segmented'
        )
    inputs.root = Path(os.path.commonpath(roots))
    for place, path in found.items():
        name = _name_below(Path(place), inputs.root)
        inputs.files.append(replace(stamps[place], name=name, path=str(path)))
    inputs.files.sort(key=lambda file: file.name.split('/'))
    return inputs


def describe_passed_over(inputs: FolderInputs) -> str:
    """Say which files were not looked at.

    Args:
        inputs (FolderInputs): Of :func:`find_inputs`.

    Returns:
        str: A sentence, or ``''``.
    """
    parts = [f'{n} {end}' for end, n in sorted(inputs.passed_over.items())]
    if inputs.excluded:
        parts.append(f'{inputs.excluded} by --exclude')
    if inputs.in_out:
        parts.append(f'{inputs.in_out} in the output folder')
    if not parts:
        return ''
    return (
        f'Not taken: {", ".join(parts)}; images are '
        f'{", ".join(IMAGE_EXTENSIONS)}.'
    )


def output_stems(names: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Name the results of each file.

    ``sub/a.tif`` becomes ``sub/a``, so that a label image has the name of
    its image. Of files that differ in their extension alone, or in case,
    each keeps its extension: ``sub/a.tif``. So does a file whose name the
    result of another one has, or may have: ``a.tif`` beside ``a_z001.tif``,
    if it is a stack of planes. Where this is taken too, a number follows.

    Args:
        names (Sequence[str]): Paths below the root, each once.
        taken (Sequence[str]): Stems of results of other files.

    Returns:
        dict[str, str]: Stem by name.
    """
    short = {name: os.path.splitext(name)[0] for name in names}
    counts = Counter(stem.casefold() for stem in short.values())
    heads = {
        head.casefold()
        for stem in [*short.values(), *taken]
        for head in _heads(stem)
    }
    used = {stem.casefold() for stem in taken}
    # Names that stay short first: no longer one may take their place.
    names = sorted(
        names,
        key=lambda name: (
            counts[short[name].casefold()] > 1
            or short[name].casefold() in heads
        ),
    )
    stems = {}
    for name in names:
        stem = short[name]
        if counts[stem.casefold()] > 1 or stem.casefold() in used | heads:
            stem = name
        bare, number = stem, 1
        while stem.casefold() in used | heads:
            number += 1
            stem = f'{bare}~{number}'
        used.add(stem.casefold())
        stems[name] = stem
    return stems


def _heads(stem: str) -> Iterator[str]:
    """The stems that a plane's suffix would make this one of."""
    while (head := _PLANE.sub('', stem)) != stem:
        yield head
        stem = head


def _folder_of(file: RawFile) -> str:
    """The folder of a pattern or list that a file's name starts from."""
    path = Path(os.path.abspath(os.path.expanduser(file.path)))
    parts = Path(file.name).parts
    if path.parts[-len(parts) :] == parts and len(parts) < len(path.parts):
        path = path.parents[len(parts) - 1]
    else:
        path = path.parent
    return str(path.resolve())


def _name_below(path: Path, root: Path) -> str:
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    # A link within an input folder leads elsewhere.
    return path.relative_to(path.anchor).as_posix()
