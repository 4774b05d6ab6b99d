"""Run-length codes of masks, read without making dense masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cupre_mm.utils.errors import BadDataError

# COCO writes a number as characters from '0', five bits in each, the lowest
# first; the sixth bit says that another follows, the fifth of the last is
# the sign.
_FIRST, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5
# Runs of an image that has fewer than 2**31 pixels need no more.
_MOST_CHARACTERS = 7


@dataclass(frozen=True)
class Runs:
    """The runs of foreground of N masks of one image.

    Pixels are numbered column by column, as in COCO's codes.

    Attributes:
        starts (np.ndarray): First pixel of each run, (R,).
        lengths (np.ndarray): Pixels of each run, (R,).
        bounds (np.ndarray): Mask i has the runs from ``bounds[i]`` to before
            ``bounds[i + 1]``, (N + 1,).
        areas (np.ndarray): Pixels of each mask, (N,).
    """

    starts: np.ndarray
    lengths: np.ndarray
    bounds: np.ndarray
    areas: np.ndarray

    def pixels_of(self, mask: int) -> np.ndarray:
        """List the pixels of one mask.

        Args:
            mask (int): Index of the mask.

        Returns:
            np.ndarray: Their numbers, ascending, (area,).
        """
        runs = slice(self.bounds[mask], self.bounds[mask + 1])
        lengths = self.lengths[runs]
        before = np.cumsum(lengths) - lengths
        first = np.repeat(self.starts[runs] - before, lengths)
        return first + np.arange(len(first))


def read_runs(codes: Sequence[dict], shape: tuple[int, int]) -> Runs:
    """Decode the masks of one image, all of them at once.

    Args:
        codes (Sequence[dict]): Compressed COCO RLEs: ``size`` and
            ``counts``, in bytes or text.
        shape (tuple[int, int]): Height and width of the image.

    Returns:
        Runs: The runs of the masks.

    Raises:
        BadDataError: If a mask has another size or is no such code.
    """
    for i, code in enumerate(codes):
        size = code['size']
        if not isinstance(size, Iterable) or tuple(size) != tuple(shape):
            raise BadDataError(
                f'mask {i} is {size} (height, width), but the image '
                f'{list(shape)}'
            )
        if not isinstance(code['counts'], (bytes, str)):
            raise BadDataError(
                f'mask {i} is no compressed run-length code: its counts are '
                f'a {type(code["counts"]).__name__}; encode masks with '
                'pycocotools.mask.encode, lists of runs with frPyObjects'
            )
    texts = [
        text if isinstance(text, bytes) else text.encode(errors='replace')
        for text in (code['counts'] for code in codes)
    ]
    values, owner = _read_numbers(texts)
    number = np.arange(len(codes) + 1)
    bounds = np.searchsorted(owner, number)
    place = np.arange(len(values)) - bounds[owner]
    # From the fourth on a number is the difference from the last but one.
    for part in (place % 2 == 1, (place % 2 == 0) & (place > 0)):
        values[part] = _cumsum_by_owner(values[part], owner[part], number)
    ends = _cumsum_by_owner(values, owner, number)
    fills = np.zeros(len(codes), bool)
    fills[owner[ends == shape[0] * shape[1]]] = True
    fills[owner[values < 0]] = False
    fills[owner[ends > shape[0] * shape[1]]] = False
    if not fills.all():
        raise _not_a_code(int(np.flatnonzero(~fills)[0]))
    foreground = place % 2 == 1
    lengths = values[foreground]
    bounds = np.searchsorted(owner[foreground], number)
    total = np.concatenate([[0], np.cumsum(lengths)])
    return Runs(
        starts=ends[foreground] - lengths,
        lengths=lengths,
        bounds=bounds,
        areas=np.diff(total[bounds]),
    )


def _read_numbers(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Read all numbers of all masks, and the index of each one's mask."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts)), sizes)
    letters = np.frombuffer(b''.join(texts), np.uint8).astype(np.int64)
    letters -= _FIRST
    last = (letters & _MORE) == 0
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    lengths = ends - starts + 1
    bad = (letters < 0) | (letters >= 2 * _MORE)
    # The last character of a mask must end a number, too.
    closing = np.cumsum(sizes)[sizes > 0] - 1
    bad[closing] |= ~last[closing]
    bad[ends] |= lengths > _MOST_CHARACTERS
    if bad.any():
        raise _not_a_code(int(owner[bad][0]))
    if not len(ends):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    shift = _BITS * (np.arange(len(letters)) - np.repeat(starts, lengths))
    values = np.add.reduceat((letters & (_MORE - 1)) << shift, starts)
    negative = (letters[ends] & _SIGN) > 0
    values[negative] -= 1 << (_BITS * lengths[negative])
    return values, owner[ends]


def _cumsum_by_owner(
    values: np.ndarray, owner: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """Sum up along the numbers of each mask; the owners ascend."""
    total = np.concatenate([[0], np.cumsum(values)])
    return total[1:] - total[np.searchsorted(owner, number)][owner]


def _not_a_code(mask: int) -> BadDataError:
    return BadDataError(
        f'mask {mask} cannot be decoded: its run-length code is damaged, cut '
        'off or of another image'
    )
