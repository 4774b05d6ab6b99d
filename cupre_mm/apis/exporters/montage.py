"""One picture of many segmented images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cupre_mm.utils.streamed_write import written_whole

_THUMBNAIL = 240
_MARGIN = 8
_LINE = 18
_FONT_SIZE = 13
_BACKGROUND, _TEXT = (24, 24, 24), (235, 235, 235)
_MORE = '…'


@dataclass(frozen=True)
class MontageEntry:
    """One image of a montage.

    Attributes:
        name (str): What stands below it.
        picture (Path | np.ndarray): Its overlay: a PNG, or (H, W, 3), uint8.
        num_cells (int): Cells in it.
    """

    name: str
    picture: Path | np.ndarray
    num_cells: int


def write_montage(
    entries: Sequence[MontageEntry],
    path: Path,
    columns: int = 6,
    rows: int = 6,
) -> list[Path]:
    """Put the overlays of a folder into a grid, with names and counts.

    What does not fit on one page goes to further ones, ``montage_2.png``
    and so on; pages of an earlier, longer montage are removed. One overlay
    is in memory at a time. Long names lose their middle.

    Args:
        entries (Sequence[MontageEntry]): The images, in their order.
        path (Path): The first page, ``.png``.
        columns (int): Images side by side, at most. Defaults to 6.
        rows (int): Images below each other, at most. Defaults to 6.

    Returns:
        list[Path]: The pages; none without entries.
    """
    size = columns * rows
    pages = []
    for number, start in enumerate(range(0, len(entries), size), start=1):
        name = path.stem if number == 1 else f'{path.stem}_{number}'
        page = path.with_name(f'{name}{path.suffix}')
        drawn = _page(entries[start : start + size], columns)
        with written_whole(page) as part:
            drawn.save(part, format='PNG')
        pages.append(page)
    _remove_others(path, pages)
    return pages


def _page(entries: Sequence[MontageEntry], columns: int) -> Image.Image:
    columns = min(columns, len(entries))
    lines = -(-len(entries) // columns)
    across, down = _THUMBNAIL + _MARGIN, _THUMBNAIL + 2 * _LINE + _MARGIN
    page = Image.new(
        'RGB',
        (columns * across + _MARGIN, lines * down + _MARGIN),
        _BACKGROUND,
    )
    draw = ImageDraw.Draw(page)
    font = ImageFont.truetype(
        Path(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf'),
        _FONT_SIZE,
    )
    for i, entry in enumerate(entries):
        left = _MARGIN + i % columns * across
        top = _MARGIN + i // columns * down
        thumbnail = _thumbnail(entry.picture)
        shift = (_THUMBNAIL - thumbnail.width) // 2
        fall = (_THUMBNAIL - thumbnail.height) // 2
        page.paste(thumbnail, (left + shift, top + fall))
        name = _fitting(entry.name, font)
        cells = (
            '1 cell' if entry.num_cells == 1 else f'{entry.num_cells} cells'
        )
        draw.text((left, top + _THUMBNAIL + 2), name, _TEXT, font)
        draw.text((left, top + _THUMBNAIL + _LINE + 2), cells, _TEXT, font)
    return page


def _thumbnail(picture: Path | np.ndarray) -> Image.Image:
    if isinstance(picture, np.ndarray):
        image = Image.fromarray(picture)
    else:
        with Image.open(picture, formats=('PNG',)) as opened:
            image = opened.convert('RGB')
    scale = _THUMBNAIL / max(image.size)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    how = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    return image.resize(size, how)


def _fitting(name: str, font: ImageFont.FreeTypeFont) -> str:
    text, kept = name, len(name)
    while kept > 2 and font.getlength(text) > _THUMBNAIL:
        kept -= 1
        # The end of a name tells more images apart than its middle.
        text = name[: kept - kept // 2] + _MORE + name[len(name) - kept // 2 :]
    return text


def _remove_others(path: Path, pages: Sequence[Path]) -> None:
    pattern = re.compile(
        re.escape(path.stem) + r'(_\d+)?' + re.escape(path.suffix)
    )
    for other in path.parent.glob('*' + path.suffix):
        if pattern.fullmatch(other.name) and other not in pages:
            other.unlink()
