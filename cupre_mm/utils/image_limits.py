"""The largest image that is decoded at once.

What a header says costs nothing to write: a file of a few hundred bytes can
speak of an image of terabytes. Sizes are compared before memory is taken.
"""

import os
from collections.abc import Sequence
from math import prod

from PIL import Image

from cupre_mm.utils.errors import BadConfigError, BadDataError

MAX_MEGAPIXELS = 'CUPRE_MAX_MEGAPIXELS'
# An image of 16,384 x 16,384 pixels.
_DEFAULT = 256
# Channels or planes that may come with one image of the largest size.
_MOST_SAMPLES = 8


def max_pixels() -> int:
    """How many pixels an image may have, to be decoded at once.

    Returns:
        int: ``CUPRE_MAX_MEGAPIXELS`` times 2**20; without it 2**28.

    Raises:
        BadConfigError: If the variable is no positive number.
    """
    text = os.environ.get(MAX_MEGAPIXELS) or str(_DEFAULT)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float('inf'):
        raise BadConfigError(
            f'{MAX_MEGAPIXELS}={text!r} is not a positive number'
        )
    return int(value * 2**20)


def check_pixels(shape: Sequence[int]) -> None:
    """Refuse what is too large, before memory is taken for it.

    Args:
        shape (Sequence[int]): Lengths of all axes that are decoded at once,
            (H, W) or more.

    Raises:
        BadDataError: If it is too large; the message leaves the file out.
    """
    most = max_pixels()
    height, width = sorted(shape)[-2:] if len(shape) > 1 else (1, *shape)
    values = prod(int(length) for length in shape)
    if height * width > most or values > most * _MOST_SAMPLES:
        size = ' x '.join(str(length) for length in shape)
        raise BadDataError(
            f'its header speaks of {size} values, more than the '
            f'{most / 2**20:g} megapixels that are decoded at once; if the '
            f'image is really that large, raise {MAX_MEGAPIXELS}, or save it '
            'as a tiled TIFF and cut it with prepare_cells.py'
        )


def set_limit_of_pillow() -> None:
    """Hand the limit on to Pillow, where the user has set one.

    Without it Pillow's own stays: 178,956,970 pixels.
    """
    if os.environ.get(MAX_MEGAPIXELS):
        # Pillow warns from here on and refuses twice as many.
        Image.MAX_IMAGE_PIXELS = max_pixels() // 2
