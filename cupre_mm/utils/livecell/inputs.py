"""All that a conversion reads, checked before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.livecell.annotation_files import (
    choose_annotation_files,
    missing_official,
)
from cupre_mm.utils.livecell.image_lists import (
    PartImages,
    check_no_overlap,
    first_of,
    read_part,
    select,
)
from cupre_mm.utils.livecell.source_files import (
    HINT,
    LivecellFiles,
    SourceFile,
    find_files,
    the_one,
)


@dataclass
class LivecellInput:
    """What was found, by what it is for.

    Attributes:
        parts (dict[str, PartImages]): The image lists of the parts.
        names (dict[str, list[str]]): The images of each part that are there
            and are of the cell types asked for, sorted.
        images (dict[str, SourceFile]): The files of these images.
        absent (list[str]): Images that are listed but not there.
        official (dict[int, SourceFile]): Official splits by percent.
        missing_official (list[str]): Official files that are not there.
        unused_images (list[str]): TIFFs that no annotation file lists.
        ignored_files (list[str]): Files that are not LIVECell's.
    """

    parts: dict[str, PartImages]
    names: dict[str, list[str]]
    images: dict[str, SourceFile]
    absent: list[str]
    official: dict[int, SourceFile]
    missing_official: list[str]
    unused_images: list[str]
    ignored_files: list[str]

    @property
    def files(self) -> list[SourceFile]:
        """All files that the conversion depends on."""
        return [
            *(file for part in self.parts.values() for file in part.sources),
            *self.official.values(),
            *self.images.values(),
        ]


def read_input(
    sources: Sequence[Path],
    out: Path,
    cell_types: Sequence[str] | None = None,
    official: bool = True,
    allow_absent: bool = False,
) -> LivecellInput:
    """Find and check the input.

    Args:
        sources (Sequence[Path]): Folders, zips and json files.
        out (Path): The output folder, whose files are no source.
        cell_types (Sequence[str], optional): The cell types to convert.
            Defaults to None: all.
        official (bool): Whether the official splits are wanted. Defaults to
            True.
        allow_absent (bool): Whether images may be absent. Defaults to False.

    Returns:
        LivecellInput: What was found.

    Raises:
        MissingDataError: If annotation files or images are absent.
        BadDataError: If files are damaged or contradict each other.
    """
    found = find_files(sources, out)
    chosen = choose_annotation_files(found, cell_types, sources)
    parts = {part: read_part(files) for part, files in chosen.items()}
    check_no_overlap(parts)
    listed = {
        part: select(images.ids, cell_types) for part, images in parts.items()
    }
    absent = [
        name
        for names in listed.values()
        for name in names
        if name not in found.images
    ]
    if absent and not allow_absent:
        raise _absent(absent, listed, found, sources)
    names = {
        part: [name for name in names if name in found.images]
        for part, names in listed.items()
    }
    for part, images in parts.items():
        if not names[part]:
            raise BadDataError(
                f'{", ".join(map(str, images.sources))}: no image of '
                f'{part} is left to convert; choose other cell types or add '
                'the images'
            )
    known = {name for images in parts.values() for name in images.ids}
    return LivecellInput(
        parts=parts,
        names=names,
        images={
            name: the_one(found.images[name])
            for inside in names.values()
            for name in inside
        },
        absent=absent,
        official={
            percent: the_one(files)
            for percent, files in sorted(found.official.items())
            if official
        },
        missing_official=missing_official(found) if official else [],
        unused_images=sorted(set(found.images) - known),
        ignored_files=found.ignored,
    )


def _absent(
    absent: list[str],
    listed: dict[str, list[str]],
    found: LivecellFiles,
    sources: Sequence[Path],
) -> MissingDataError:
    lost = set(absent)
    counts = ', '.join(
        f'{sum(name in lost for name in names)} of {len(names)} in {part}'
        for part, names in listed.items()
    )
    return MissingDataError(
        f'{len(absent)} images that the annotation files name are not in '
        f'{", ".join(map(str, sources))} ({counts}; it has '
        f'{len(found.images)} tif files): {first_of(absent)}. Give images.zip '
        'or the folder it was unpacked to as one more SRC, or leave these '
        f'images and their cells out with --allow-bad. {HINT}'
    )
