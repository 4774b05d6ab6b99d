"""An image and one mask file per object, turned into COCO annotations.

Rules, each case noted in the record:

- An image keeps its pixel values and bit depth; alpha is dropped.
- A mask's non-zero pixels are one object.
- A mask without a pixel, or of another size than its image, is dropped.
- Overlapping masks are kept as they are.
- An image without masks is kept and has no annotation.
- An unreadable mask, or an unreadable image with all its masks, is left out;
  whether that is allowed is the caller's decision.
"""

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.atomic_write import write_atomically

PROBLEMS = {
    'unreadable_images': 'unreadable images',
    'unreadable_masks': 'unreadable masks',
    'empty_masks': 'masks without a pixel, dropped',
    'other_size_masks': 'masks of another size than the image, dropped',
    'overlapping_masks': 'masks that overlap an earlier one, kept',
    'images_without_masks': 'images without masks, kept',
}
# Pillow raises more than OSError on broken files: a bad PNG chunk gives
# SyntaxError or ValueError, a huge header DecompressionBombError.
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
)


class Item(NamedTuple):
    """One image of the source.

    Attributes:
        name (str): The image's id, which names its png.
        image (str): Its file in the source.
        masks (tuple[str]): The files of its objects.
        fingerprint (str): Changes when any of these files does.
    """

    name: str
    image: str
    masks: tuple[str, ...]
    fingerprint: str


def convert_item(tree: SourceTree, item: Item, images: Path) -> dict:
    """Write one image and encode its masks.

    Args:
        tree (SourceTree): The source.
        item (Item): The image.
        images (Path): Folder for the png.

    Returns:
        dict: ``name``, ``fingerprint``, ``width`` and ``height`` in pixels
        (None for an unreadable image), ``annotations`` with ``segmentation``
        (compressed RLE), ``bbox`` (x, y, w, h) and ``area``, and ``problems``
        with lists of files by kind.
    """
    target = images / f'{item.name}.png'
    record: dict[str, Any] = {
        'name': item.name,
        'fingerprint': item.fingerprint,
        'width': None,
        'height': None,
        'annotations': [],
        'problems': {},
    }

    def note(kind: str, file: str) -> None:
        record['problems'].setdefault(kind, []).append(file)

    try:
        image = _without_alpha(_decode(tree, item.image))
    except DECODE_ERRORS:
        note('unreadable_images', item.image)
        target.unlink(missing_ok=True)
        return record
    content = BytesIO()
    image.save(content, 'PNG')
    write_atomically(target, content.getvalue())
    record['width'], record['height'] = image.size
    if not item.masks:
        note('images_without_masks', item.image)
    claimed = np.zeros((image.height, image.width), bool)  # (H, W)
    for file in item.masks:
        try:
            mask = _object_pixels(_decode(tree, file))  # (H, W)
        except DECODE_ERRORS:
            note('unreadable_masks', file)
            continue
        if mask.shape != claimed.shape:
            note('other_size_masks', file)
        elif not mask.any():
            note('empty_masks', file)
        else:
            if (claimed & mask).any():
                note('overlapping_masks', file)
            claimed |= mask
            record['annotations'].append(_annotation(mask))
    return record


def _decode(tree: SourceTree, file: str) -> Image.Image:
    image = Image.open(BytesIO(tree.read(file)))
    image.load()
    return image


def _without_alpha(image: Image.Image) -> Image.Image:
    plain = {'RGBA': 'RGB', 'LA': 'L', 'P': 'RGB', 'PA': 'RGB', '1': 'L'}
    image = image.convert(plain.get(image.mode, image.mode))
    # Colour profiles and a transparent colour would travel along otherwise.
    image.info.clear()
    return image


def _object_pixels(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(_without_alpha(image)) != 0
    return pixels.any(axis=2) if pixels.ndim == 3 else pixels


def _annotation(mask: np.ndarray) -> dict:
    rle = rle_tools.encode(np.asfortranarray(mask, np.uint8))
    return {
        'segmentation': {
            'size': [int(side) for side in rle['size']],
            'counts': rle['counts'].decode('ascii'),
        },
        'bbox': [int(value) for value in rle_tools.toBbox(rle)],
        'area': int(rle_tools.area(rle)),
    }
