"""Whether run-length codes of masks are whole."""

from collections.abc import Mapping, Sequence

import numpy as np
from faster_coco_eval import mask_api_new_cpp as mask_codes


def fills_image(codes: Sequence[Mapping]) -> np.ndarray:
    """Tell which codes have as many pixels as their size says.

    A code that was cut off or made for another image has runs for fewer or
    for more, and would be scored as some other mask without a word.

    Args:
        codes (Sequence[Mapping]): Compressed run-length codes, N.

    Returns:
        np.ndarray: (N,), bool.

    Raises:
        RuntimeError: If a code cannot be read at all.
    """
    return np.array(
        [
            sum(runs['counts']) == runs['size'][0] * runs['size'][1]
            for runs in mask_codes.toUncompressedRLE(list(codes))
        ],
        bool,
    )
