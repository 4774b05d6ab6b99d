"""Overlapping tiles of an image, and what each of them answers for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from cupre_mm.utils.errors import BadConfigError

# The coarsest grid of an FPN has a point every 32 px, the next finer ones
# divide it: tiles that start on it see the image as the whole would.
_STRIDE = 32
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Tile:
    """A part of an image.

    Attributes:
        top (int): First row.
        left (int): First column.
        bottom (int): The row after the last.
        right (int): The column after the last.
        core (tuple[float, float, float, float]): Top, left, bottom, right of
            what the tile answers for: cells with their centre in it. The
            cores of all tiles share out the image.
        inner (tuple[bool, bool, bool, bool]): Whether the top, left, bottom
            and right side lie inside the image, where cells are cut.
    """

    top: int
    left: int
    bottom: int
    right: int
    core: tuple[float, float, float, float]
    inner: tuple[bool, bool, bool, bool]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.bottom - self.top, self.right - self.left

    def answers_for(
        self, centre: tuple[float, float], tolerance: float = 0.0
    ) -> bool:
        """Whether a centre lies in the core.

        Args:
            centre (tuple[float, float]): Row and column.
            tolerance (float): How far outside counts as well, in pixels.
                Defaults to 0.

        Returns:
            bool: Whether it does.
        """
        top, left, bottom, right = self.core
        return (
            top - tolerance <= centre[0] < bottom + tolerance
            and left - tolerance <= centre[1] < right + tolerance
        )

    def inset(self, top: int, left: int, bottom: int, right: int) -> float:
        """How far a box is from the sides that cut cells.

        Args:
            top (int): Of the box in the image; the others likewise.
            left (int): First column.
            bottom (int): The row after the last.
            right (int): The column after the last.

        Returns:
            float: Pixels, 0 where it touches such a side; infinite for a
            tile without any.
        """
        gaps = (
            top - self.top,
            left - self.left,
            self.bottom - bottom,
            self.right - right,
        )
        return min(
            (gap for gap, inner in zip(gaps, self.inner) if inner),
            default=float('inf'),
        )


@dataclass(frozen=True)
class TileGrid:
    """The tiles of an image, row by row.

    Attributes:
        rows (tuple[tuple[int, int], ...]): First row of each row of tiles
            and the row after its last.
        columns (tuple[tuple[int, int], ...]): The same of the columns.
        overlap (int): Pixels that neighbours share at least.
    """

    rows: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, int], ...]
    overlap: int

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def tiles_of_row(self, row: int) -> Iterator[Tile]:
        """Give the tiles of one row, from left to right.

        Args:
            row (int): Which row of tiles.

        Yields:
            Tile: The tiles.
        """
        top, bottom = self.rows[row]
        upper, lower = _core(self.rows, row)
        for column, (left, right) in enumerate(self.columns):
            first, last = _core(self.columns, column)
            yield Tile(
                top,
                left,
                bottom,
                right,
                core=(upper, first, lower, last),
                inner=(
                    row > 0,
                    column > 0,
                    row < len(self.rows) - 1,
                    column < len(self.columns) - 1,
                ),
            )

    def batches_of_row(self, row: int, size: int) -> Iterator[list[Tile]]:
        """Give the tiles of one row in groups of one shape.

        Images of one shape need no padding in a batch.

        Args:
            row (int): Which row of tiles.
            size (int): Tiles in a group at most.

        Yields:
            list[Tile]: Neighbours, from left to right.
        """
        tiles = self.tiles_of_row(row)
        for _, alike in itertools.groupby(tiles, lambda tile: tile.shape):
            waiting = list(alike)
            for start in range(0, len(waiting), size):
                yield waiting[start : start + size]


def make_grid(
    shape: tuple[int, int], factor: float, tile: int, overlap: int
) -> TileGrid:
    """Cut an image into tiles.

    Args:
        shape (tuple[int, int]): Height and width of the image.
        factor (float): Pixels of the network's input to a pixel of the
            image.
        tile (int): Side of a tile in pixels of the network's input, at most.
        overlap (int): What neighbours share at least, in the same pixels.

    Returns:
        TileGrid: One tile where the image is no larger.

    Raises:
        BadConfigError: If ``tile`` is not larger than twice ``overlap`` and
            the stride of the network together.
    """
    check_tile(tile, overlap)
    # A step as long as half of what is shared leaves tiles their size.
    step = aligned_step(factor, round(overlap / factor / 2))
    shared = -(-round(overlap / factor) // step) * step
    size = max(int(tile / factor) // step * step, 2 * shared + step)
    return TileGrid(
        rows=_spans(shape[0], size, shared, step),
        columns=_spans(shape[1], size, shared, step),
        overlap=shared,
    )


def check_tile(tile: int, overlap: int) -> None:
    """Refuse tiles that share more than half of themselves.

    Args:
        tile (int): Side of a tile in pixels of the network's input.
        overlap (int): What neighbours share at least, in the same pixels.

    Raises:
        BadConfigError: If ``tile`` is not larger than twice ``overlap`` and
            the stride of the network together.
    """
    if overlap < 0 or tile < 2 * overlap + _STRIDE:
        raise BadConfigError(
            f'tile={tile} with overlap={overlap}: a tile must be at least '
            f'twice the overlap and {_STRIDE} px more'
        )


def aligned_step(factor: float, longest: int) -> int:
    """Find distances in the image that fit the network's coarsest grid.

    Args:
        factor (float): Pixels of the network's input to a pixel of the
            image.
        longest (int): Longest distance worth it, in pixels of the image.

    Returns:
        int: The smallest number of pixels of the image that becomes a
        multiple of the network's stride; the nearest to one stride where
        there is none up to ``longest``.
    """
    for step in range(1, longest + 1):
        strides = step * factor / _STRIDE
        if round(strides) and abs(strides - round(strides)) < _TOLERANCE:
            return step
    return max(1, round(_STRIDE / factor))


def _spans(
    length: int, size: int, overlap: int, step: int
) -> tuple[tuple[int, int], ...]:
    """Start and end of the tiles along one side, starts on the step."""
    if length <= size:
        return ((0, length),)
    advance = size - overlap
    count = -(-(length - overlap) // advance)
    # Spread evenly, so that the last tile is no narrow rest, and no larger
    # than as many tiles must be: what they share more costs time.
    size = -(-(length + (count - 1) * overlap) // (count * step)) * step
    last = -(-(length - size) // step) * step
    starts = [
        round(i * last / (count - 1) / step) * step for i in range(count)
    ]
    return tuple((start, min(start + size, length)) for start in starts)


def _core(spans: tuple[tuple[int, int], ...], i: int) -> tuple[float, float]:
    """From the middle of one shared part to that of the next."""
    low = (spans[i - 1][1] + spans[i][0]) / 2 if i else float('-inf')
    if i == len(spans) - 1:
        return low, float('inf')
    return low, (spans[i][1] + spans[i + 1][0]) / 2
