"""Which images each part of LIVECell has, told by file name.

The ids of LIVECell's files are those of the file alone: the same image has
another id in another file, and in some files they are text. So every id is
turned into a file name on reading, and matched by that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell.cell_types import (
    CELL_TYPES,
    base_name,
    cell_type_of,
)
from cupre_mm.utils.livecell.source_entries import entries_with_bar
from cupre_mm.utils.livecell.source_files import SourceFile

_MOST_LISTED = 5


@dataclass
class PartImages:
    """The images of a part that one or more files list.

    Attributes:
        sources (tuple[SourceFile]): The files.
        ids (dict[str, int | None]): Ids by file name, as the file has them,
            None for one that is no number.
        sizes (dict[str, tuple]): Height and width that the file states, by
            file name; None for one that it does not state.
        name_of (list[dict[str, str]]): For each file, file names by the
            text of the id.
        repeated (list[str]): File names that are listed more than once.
    """

    sources: tuple[SourceFile, ...]
    ids: dict[str, int | None] = field(default_factory=dict)
    sizes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    name_of: list[dict[str, str]] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def new_ids(self, names: Iterable[str]) -> dict[str, int]:
        """Ids for the output: the source's where they are usable.

        Args:
            names (Iterable[str]): File names of this part.

        Returns:
            dict[str, int]: Whole numbers, each once: the source's if all of
            them are that, else numbers from 1 in order of the file names.
        """
        names = sorted(names)
        own = [self.ids[name] for name in names]
        if None in own or len(set(own)) < len(own):
            return {name: number for number, name in enumerate(names, 1)}
        return dict(zip(names, own))


def read_part(sources: Sequence[SourceFile]) -> PartImages:
    """Read the image lists of the files that make up a part.

    Args:
        sources (Sequence[SourceFile]): One file of all cell types, or
            several of one cell type each.

    Returns:
        PartImages: All their images.

    Raises:
        BadDataError: If a file cannot be read, has images without id or
            name, names that are not LIVECell's, or one id for two images.
    """
    part = PartImages(tuple(sources))
    for source in sources:
        name_of: dict[str, str] = {}
        for image in entries_with_bar(source, 'images'):
            _add_image(part, name_of, image, source)
        part.name_of.append(name_of)
        _check_names(name_of.values(), source)
    return part


def read_names(source: SourceFile) -> list[str]:
    """Read the file names that an annotation file lists.

    Args:
        source (SourceFile): The file.

    Returns:
        list[str]: Each once, sorted.

    Raises:
        BadDataError: See :func:`read_part`.
    """
    return sorted(read_part([source]).ids)


def check_no_overlap(parts: dict[str, PartImages]) -> None:
    """Make sure that no image is in two parts.

    Args:
        parts (dict[str, PartImages]): By name.

    Raises:
        BadDataError: If one is.
    """
    parts_of = defaultdict(list)
    for part, images in parts.items():
        for name in images.ids:
            parts_of[name].append(part)
    shared = {name: where for name, where in parts_of.items() if where[1:]}
    if shared:
        first = [
            f'{name} ({" and ".join(where)})'
            for name, where in sorted(shared.items())
        ]
        files = [str(s) for images in parts.values() for s in images.sources]
        raise BadDataError(
            f'{len(shared)} image(s) are in more than one of train, val and '
            f'test: {first_of(first)}; figure measured on them would '
            'mean nothing. Download the '
            f'annotation files again, all of one release: {", ".join(files)}'
        )


def select(
    names: Collection[str], cell_types: Collection[str] | None
) -> list[str]:
    """Take the images of some cell types.

    Args:
        names (Collection[str]): File names.
        cell_types (Collection[str], optional): Of :data:`CELL_TYPES`; None
            takes all.

    Returns:
        list[str]: Sorted.
    """
    wanted = CELL_TYPES if cell_types is None else cell_types
    return sorted(name for name in names if cell_type_of(name) in wanted)


def first_of(names: Collection[str]) -> str:
    """The first five names, for a message.

    Args:
        names (Collection[str]): All of them.

    Returns:
        str: Parted by commas, with an ellipsis where there are more.
    """
    more = ', ...' if len(names) > _MOST_LISTED else ''
    return ', '.join(list(names)[:_MOST_LISTED]) + more


def _add_image(
    part: PartImages,
    name_of: dict[str, str],
    image: dict[str, Any],
    source: SourceFile,
) -> None:
    number, path = image.get('id'), image.get('file_name')
    if not isinstance(number, (int, str)) or not isinstance(path, str):
        raise BadDataError(
            f'{source}: an image has no usable id or file_name (got '
            f'{number!r} and {path!r}); download the file again'
        )
    name, key = base_name(path), str(number)
    if name_of.get(key, name) != name:
        raise BadDataError(
            f'{source}: the image id {key} stands for two images, '
            f'{name_of[key]} and {name}; which cells belong to which cannot '
            'be told: download the file again'
        )
    if name in part.ids:
        part.repeated.append(name)
    else:
        part.ids[name] = int(key) if key.isdecimal() else None
        part.sizes[name] = (image.get('height'), image.get('width'))
    name_of[key] = name


def _check_names(names: Collection[str], source: SourceFile) -> None:
    strange = sorted(name for name in names if cell_type_of(name) is None)
    if strange:
        raise BadDataError(
            f'{source}: {len(strange)} of its {len(names)} images are not '
            'named as LIVECell names them, such as '
            'A172_Phase_C7_1_02d16h00m_2.tif with one of the cell types '
            f'{", ".join(CELL_TYPES)}: {first_of(strange)}. Give them their '
            'original names back, or use the converter for COCO json if they '
            'are of another data set'
        )
    if not names:
        raise BadDataError(
            f'{source} lists no images; download the file again'
        )
