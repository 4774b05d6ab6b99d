"""Masks of any kind that COCO allows, as compressed run-length codes."""

from collections.abc import Mapping
from typing import Any

from pycocotools import mask as mask_codes


def compressed_rle(code: Any, height: int, width: int) -> dict[str, Any]:
    """Compress a mask.

    Args:
        code (list | Mapping): Polygons, or an RLE of either kind.
        height (int): Height of the image in pixels; an RLE knows its own.
        width (int): Width of the image in pixels.

    Returns:
        dict[str, Any]: Compressed COCO RLE.
    """
    if isinstance(code, Mapping):
        if not isinstance(code['counts'], list):
            return dict(code)
        return mask_codes.frPyObjects(dict(code), *code['size'])
    return mask_codes.merge(mask_codes.frPyObjects(code, height, width))
