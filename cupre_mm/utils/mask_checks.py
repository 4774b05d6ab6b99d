"""What a segmentation must be before it is handed to pycocotools.

Its C code trusts what it gets: a run-length code that ends early becomes a
mask of whatever lay in memory, a far-away polygon takes all memory there is.
"""

from math import isfinite
from typing import Any

# Corners beyond are no pixels of any image; an edge to one would be drawn
# point by point.
FARTHEST = 2**20
# Of an image; OpenCV and run-length codes count no further.
LARGEST_SIDE = 2**31 - 1
FEWEST_NUMBERS = 6  # three points
# The format of compressed counts, see is_whole_code.
_FIRST, _BITS, _MORE, _SIGN = 48, 5, 32, 16
# Counts of 32 bits need no more characters; pycocotools' overflow on more.
_MOST_SHIFTED = 7 * _BITS


def are_finite(numbers: list) -> bool:
    """Whether all of some numbers are finite, as floats too.

    Args:
        numbers (list): The numbers, of type int and float.
    """
    try:
        return isfinite(sum(numbers))
    except OverflowError:
        return False


def is_side(value: Any) -> bool:
    """Whether a value can be the height or width of an image.

    Args:
        value (Any): The value, as json gave it.
    """
    return type(value) is int and 0 < value <= LARGEST_SIDE


def is_polygon(numbers: Any) -> bool:
    """Whether a value is a polygon that can be drawn.

    Args:
        numbers (Any): x1, y1, x2, y2, ..., as json gave it.

    Returns:
        bool: No for fewer than three points, an odd number of coordinates,
        what is not a number, and points :data:`FARTHEST` pixels away.
    """
    if (
        not isinstance(numbers, list)
        or len(numbers) < FEWEST_NUMBERS
        or len(numbers) % 2
    ):
        return False
    return are_coordinates(numbers)


def are_coordinates(numbers: list) -> bool:
    """Whether all of some values are numbers of an image's surroundings.

    Args:
        numbers (list): At least one value, as json gave it.
    """
    try:
        # The sum finds NaN, which comparisons pass over, and text.
        return isfinite(sum(numbers)) and (
            min(numbers) >= -FARTHEST and max(numbers) <= FARTHEST
        )
    except (OverflowError, TypeError):
        return False


def fills_image(counts: Any, pixels: int) -> bool:
    """Whether the counts of a run-length code add up to an image.

    Args:
        counts (Any): Of an RLE: a list of runs, or compressed as text or
            bytes.
        pixels (int): Height times width.

    Returns:
        bool: No also for what are no counts at all.
    """
    if isinstance(counts, list):
        return all(type(run) is int and run >= 0 for run in counts) and (
            sum(counts) == pixels
        )
    if isinstance(counts, str):
        return counts.isascii() and is_whole_code(counts.encode(), pixels)
    return isinstance(counts, bytes) and is_whole_code(counts, pixels)


def is_whole_code(code: bytes, pixels: int) -> bool:
    """Whether compressed counts add up, as pycocotools does not check.

    The format: each count, from the fourth on as the difference to the count
    two before, in groups of 5 bits from the least; 32 marks that more follow,
    16 in the last group a negative value; each group is a character from 48.

    Args:
        code (bytes): The compressed counts.
        pixels (int): What they are to add up to.
    """
    counts: list[int] = []
    value = shift = 0
    for character in code:
        group = character - _FIRST
        if not 0 <= group < 2 * _MORE or shift == _MOST_SHIFTED:
            return False
        value |= (group & (_MORE - 1)) << shift
        shift += _BITS
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        if value < 0:
            return False
        counts.append(value)
        value = shift = 0
    return shift == 0 and sum(counts) == pixels
