"""Contact sheets of pairs of images side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cupre_mm.utils.dataset_inspection.contact_sheet import (
    Tile,
    fit,
    write_sheets,
)
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.leakage.image_fingerprints import ORIENTATIONS, turn
from cupre_mm.utils.leakage.leak_check import LeakPair
from cupre_mm.utils.microscopy_io import read_image, to_three_channels

_COLUMNS, _ROWS, _TILE_SIZE = 2, 4, 280


def write_pair_sheets(pairs: Sequence[LeakPair], folder: Path) -> list[Path]:
    """Draw every pair, the corpus image left, the evaluation image right.

    Images are stretched between their percentiles, as for the network, and
    the right one is turned as the pair says. Sheets of an earlier run in the
    folder are removed.

    Args:
        pairs (Sequence[LeakPair]): What to draw.
        folder (Path): Gets ``pairs_01.png`` and so on, eight pairs each.

    Returns:
        list[Path]: The sheets.
    """
    for old in folder.glob('pairs_[0-9][0-9]*.png'):
        old.unlink()
    tiles = (_tile(pair) for pair in pairs)
    return write_sheets(folder, 'pairs', tiles, _COLUMNS, _ROWS, _TILE_SIZE)


def describe(pair: LeakPair) -> str:
    """Say on one line how the images of a pair agree.

    Args:
        pair (LeakPair): The pair.

    Returns:
        str: Kind, distance, correlation, orientation or offset.
    """
    facts = [f'{pair.kind:10}']
    if pair.distance is not None:
        facts.append(f'{pair.distance:3} bits')
    facts += [f'correlation {pair.correlation:.3f}', pair.orientation]
    if pair.offset is not None:
        facts.append(f'offset {pair.offset[0]}, {pair.offset[1]} px')
    return '  '.join(facts)


def _tile(pair: LeakPair) -> Tile:
    orientation = ORIENTATIONS.index(pair.orientation)
    return Tile(
        panels=[_panel(pair.corpus, 0), _panel(pair.evaluation, orientation)],
        lines=[pair.corpus, pair.evaluation, describe(pair)],
    )


def _panel(path: str, orientation: int) -> np.ndarray:
    image = turn(to_three_channels(read_image(path)), orientation)
    return fit(stretch_to_uint8(image, 1.0, 99.8), _TILE_SIZE)
