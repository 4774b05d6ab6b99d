"""Contact sheets: pages of many pictures, each with its title."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pycocotools import mask as mask_codes

from cupre_mm.utils.atomic_write import write_atomically

_GAP = 6
_FONT_SIZE = 11
_LINE = 14
_GROUND = 255
_INK = (20, 20, 20)


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Attributes:
        panels (Sequence[np.ndarray]): RGB images of (H, W, 3), uint8, shown
            side by side; each fits the tile's size.
        lines (Sequence[str]): Title, one entry a line. What is too long for
            the tile is shortened in its middle.
    """

    panels: Sequence[np.ndarray]
    lines: Sequence[str]


def fit(image: np.ndarray, size: int) -> np.ndarray:
    """Enlarge or reduce an image so that its long side has a size.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), uint8.
        size (int): The long side in pixels.

    Returns:
        np.ndarray: The resized image. Enlarged pixels stay visible squares.
    """
    height, width = image.shape[:2]
    factor = size / max(height, width)
    new = tuple(max(1, round(side * factor)) for side in (width, height))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return cv2.resize(image, new, interpolation=how)


def fit_masks(
    masks: Sequence[Mapping[str, Any]], shape: Sequence[int]
) -> list[dict[str, Any]]:
    """Resize masks along with their image.

    Args:
        masks (Sequence[Mapping]): Compressed COCO RLEs.
        shape (Sequence[int]): Height and width wanted.

    Returns:
        list[dict]: RLEs of that size. An object smaller than a pixel there
        may have none left.
    """
    height, width = shape[:2]
    return [
        mask_codes.encode(
            np.asfortranarray(
                cv2.resize(
                    mask_codes.decode(dict(mask)),
                    (width, height),
                    interpolation=cv2.INTER_NEAREST,
                )
            )
        )
        for mask in masks
    ]


def compose_sheet(
    tiles: Sequence[Tile], columns: int, tile_size: int
) -> np.ndarray:
    """Put tiles on one page, row by row.

    Args:
        tiles (Sequence[Tile]): The tiles, at least one.
        columns (int): Tiles in a row.
        tile_size (int): Height and width of a panel in pixels.

    Returns:
        np.ndarray: RGB page, (H, W, 3), uint8.
    """
    panels = max(len(tile.panels) for tile in tiles)
    lines = max(len(tile.lines) for tile in tiles)
    width = panels * (tile_size + _GAP) + _GAP
    height = tile_size + lines * _LINE + 2 * _GAP
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    page = Image.new('RGB', (columns * width, rows * height), (_GROUND,) * 3)
    pen = ImageDraw.Draw(page)
    font = _font()
    for number, tile in enumerate(tiles):
        left = number % columns * width + _GAP
        top = number // columns * height + _GAP
        for line in tile.lines:
            text = _shortened(line, width - 2 * _GAP, font)
            pen.text((left, top), text, fill=_INK, font=font)
            top += _LINE
        top = number // columns * height + _GAP + lines * _LINE
        for place, panel in enumerate(tile.panels):
            picture = Image.fromarray(fit(panel, tile_size))
            page.paste(picture, (left + place * (tile_size + _GAP), top))
    return np.asarray(page)


def write_sheets(
    folder: Path,
    name: str,
    tiles: Iterator[Tile],
    columns: int,
    rows: int,
    tile_size: int,
) -> list[Path]:
    """Write tiles to pages ``<name>_01.png``, ``<name>_02.png`` and so on.

    Args:
        folder (Path): Where to; made where it is missing.
        name (str): Start of the file names.
        tiles (Iterator[Tile]): The tiles; one page of them is in memory.
        columns (int): Tiles in a row.
        rows (int): Rows of a page.
        tile_size (int): See :func:`compose_sheet`.

    Returns:
        list[Path]: The pages.
    """
    written: list[Path] = []
    page: list[Tile] = []
    tiles = iter(tiles)
    while True:
        tile = next(tiles, None)
        if tile is not None:
            page.append(tile)
        if page and (tile is None or len(page) == columns * rows):
            path = folder / f'{name}_{len(written) + 1:02d}.png'
            content = BytesIO()
            sheet = compose_sheet(page, columns, tile_size)
            Image.fromarray(sheet).save(content, 'PNG')
            write_atomically(path, content.getvalue())
            written.append(path)
            page = []
        if tile is None:
            return written


def _font() -> Any:
    try:
        return ImageFont.load_default(_FONT_SIZE)
    # Pillow before 10.1 has its bitmap font in one size alone.
    except TypeError:
        return ImageFont.load_default()


def _shortened(text: str, width: int, font: Any) -> str:
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        end = kept // 2
        shorter = f'{text[: kept - end]}...{text[-end:]}'
        if font.getlength(shorter) <= width:
            return shorter
    return text[:1]
