"""The eight cell types of LIVECell and the file names that tell them."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from cupre_mm.utils.errors import BadConfigError

CELL_TYPES = (
    'A172',
    'BT474',
    'BV2',
    'Huh7',
    'MCF7',
    'SHSY5Y',
    'SkBr3',
    'SKOV3',
)

_BY_SPELLING = {name.casefold(): name for name in CELL_TYPES}
# <cell type>_Phase_<well>_<site>_<days, hours, minutes>_<crop>.tif
_IMAGE_NAME = re.compile(
    r'([A-Za-z0-9-]+)_Phase_[A-Z]\d+_\d+_\d+d\d+h\d+m_\d+\.tiff?',
    re.IGNORECASE,
)


def cell_type_named(text: str) -> str | None:
    """The cell type that a word stands for.

    Args:
        text (str): In any case, with or without hyphens, as ``'bv-2'``.

    Returns:
        str, optional: One of :data:`CELL_TYPES`, or None.
    """
    return _BY_SPELLING.get(text.replace('-', '').casefold())


def cell_type_of(file_name: str) -> str | None:
    """The cell type in the name of a LIVECell image.

    Args:
        file_name (str): Such as ``'A172_Phase_C7_1_02d16h00m_2.tif'``,
            folders before it are passed over.

    Returns:
        str, optional: One of :data:`CELL_TYPES`; None if the name is not of
        that pattern, or its cell type is none of the eight.
    """
    match = _IMAGE_NAME.fullmatch(base_name(file_name))
    return cell_type_named(match[1]) if match else None


def base_name(path: str) -> str:
    """The last part of a path that any system may have written.

    Args:
        path (str): With slashes or backslashes.

    Returns:
        str: The file's own name.
    """
    return PurePosixPath(path.replace('\\', '/')).name


def parse_cell_types(words: Iterable[str]) -> tuple[str, ...]:
    """Read cell types as a user writes them.

    Args:
        words (Iterable[str]): See :func:`cell_type_named`.

    Returns:
        tuple[str]: Of :data:`CELL_TYPES` and in that order, each once.

    Raises:
        BadConfigError: If a word is none of the eight.
    """
    words = list(words)
    named = {word: cell_type_named(word) for word in words}
    unknown = [word for word in words if named[word] is None]
    if unknown or not words:
        raise BadConfigError(
            f'cell types {unknown or words} are not of LIVECell; it has '
            f'{", ".join(CELL_TYPES)}'
        )
    return tuple(kind for kind in CELL_TYPES if kind in named.values())
