"""Finds the masks near a mask among very many."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from cupre_mm.utils.cropped_masks import CroppedMask

# About the size of a cell or a few: smaller squares make large masks slow,
# larger ones hold many masks each.
_SQUARE = 64


class BoxIndex:
    """Numbered masks by the squares of the image that their boxes touch.

    Attributes:
        numbers (list[int]): All that were added, in that order.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._squares: dict[tuple[int, int], list[int]] = {}

    def add(self, number: int, mask: CroppedMask) -> None:
        """Put a mask in.

        Args:
            number (int): What :meth:`near` gives for it.
            mask (CroppedMask): The mask.
        """
        self.numbers.append(number)
        for square in _squares_of(mask):
            self._squares.setdefault(square, []).append(number)

    def near(self, mask: CroppedMask) -> list[int]:
        """List the masks whose boxes may overlap that of a mask.

        Args:
            mask (CroppedMask): The mask; need not be in the index.

        Returns:
            list[int]: Their numbers, each once, in the order they were added
            to each square.
        """
        found = (
            number
            for square in _squares_of(mask)
            for number in self._squares.get(square, ())
        )
        return list(dict.fromkeys(found))


def _squares_of(mask: CroppedMask) -> Iterator[tuple[int, int]]:
    return product(
        range(mask.top // _SQUARE, (mask.bottom - 1) // _SQUARE + 1),
        range(mask.left // _SQUARE, (mask.right - 1) // _SQUARE + 1),
    )
