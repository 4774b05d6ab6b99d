"""An image and its binary masks: one file an object, or one of all objects.

Rules, each case noted in the record:

- An image keeps its pixel values and bit depth; the alpha channel of a PNG
  is dropped.
- A file of one object: the pixels above the threshold are the object. A file
  without such a pixel, or of another size than its image, is dropped.
- A file of all objects: each 8-connected component of the pixels above the
  threshold is an object. If the file cannot be used, its image is left out.
- Overlapping masks are kept as they are.
- An image without masks is kept and has no annotation.
- An unreadable mask, or an unreadable image with all its masks, is left out;
  whether that is allowed is the caller's decision.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_records import ImageRecord
from cupre_mm.utils.labelled_sets.object_rules import (
    ObjectRules,
    components_of,
    cut_out,
)
from cupre_mm.utils.labelled_sets.paired_items import PairItem
from cupre_mm.utils.labelled_sets.source_images import is_jpeg, read_pixels

MASK_CASES = {
    'unreadable_masks': 'unreadable masks',
    'empty_masks': 'masks without a pixel, dropped',
    'other_size_masks': 'masks of another size than the image, dropped',
    'overlapping_masks': 'masks that overlap an earlier one, kept',
    'images_without_masks': 'images without masks, kept',
}
BAD_COMPONENTS = {
    'unreadable_masks': 'unreadable masks',
    'other_size_masks': 'masks of another size than the image',
    'ambiguous_masks': 'masks that are not binary',
}
COMPONENT_CASES = {
    **BAD_COMPONENTS,
    'empty_masks': 'masks without a pixel, their images kept without objects',
    'overlapping_masks': 'filled objects that overlap an earlier one, kept',
}


class MaskItem(NamedTuple):
    """One image and the files of its objects.

    Attributes:
        name (str): The image's id.
        image (str): Its file in the source.
        masks (tuple[str]): The files of its objects.
        file_name (str): The image below ``OUT/images``.
        fingerprint (str): Changes when any of these files does.
    """

    name: str
    image: str
    masks: tuple[str, ...]
    file_name: str
    fingerprint: str


def convert_masks(
    tree: SourceTree,
    item: MaskItem,
    images: Path,
    rules: ObjectRules,
    threshold: float = 0,
) -> dict:
    """Write one image and encode its masks, one file an object.

    Args:
        tree (SourceTree): The source.
        item (MaskItem): The image.
        images (Path): ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        threshold (float): Pixels above it are the object. Defaults to 0.

    Returns:
        dict: The record, see :mod:`.coco_records`; its cases are those of
        :data:`MASK_CASES` and of the rules.
    """
    record = ImageRecord(item.file_name, rules)
    if not record.store(tree, item.image, images):
        return record.as_dict()
    if not item.masks:
        record.note('images_without_masks', item.image)
    for file in item.masks:
        try:
            mask = _object_pixels(tree, file, threshold)  # (H, W)
        except BadDataError as error:
            record.note('unreadable_masks', f'{file}: {error}')
            continue
        if mask.shape != (record.height, record.width):
            record.note('other_size_masks', file)
        elif not mask.any():
            record.note('empty_masks', file)
        else:
            record.add(file, cut_out(mask))
    return record.as_dict()


def convert_components(
    tree: SourceTree,
    item: PairItem,
    images: Path,
    rules: ObjectRules,
    threshold: float = 0,
) -> dict:
    """Write one image and encode the components of its one binary mask.

    Args:
        tree (SourceTree): The source.
        item (PairItem): The image and its mask.
        images (Path): ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        threshold (float): Pixels above it belong to objects. Defaults to 0.

    Returns:
        dict: The record, see :mod:`.coco_records`; its cases are those of
        :data:`COMPONENT_CASES` and of the rules.
    """
    record = ImageRecord(item.file_name, rules)
    if not record.store(tree, item.image, images):
        return record.as_dict()
    if item.label is None:
        record.note('images_without_labels', item.image)
        return record.as_dict()
    try:
        mask = _object_pixels(tree, item.label, threshold, binary=True)
    except _NotBinaryError as error:
        record.note('ambiguous_masks', f'{item.label}: {error}')
    except BadDataError as error:
        record.note('unreadable_masks', f'{item.label}: {error}')
    else:
        if mask.shape != (record.height, record.width):
            record.note('other_size_masks', item.label)
        elif not mask.any():
            record.note('empty_masks', item.label)
            return record.as_dict()
        else:
            for piece in components_of(cut_out(mask)):
                column = piece.left + int(piece.pixels[0].argmax())
                where = f'{item.label}:x={column},y={piece.top}'
                rows, columns = piece.pixels.shape
                others = (
                    ~piece.pixels
                    & (
                        mask[
                            piece.top : piece.top + rows,
                            piece.left : piece.left + columns,
                        ]
                    )
                )
                record.add(where, piece, others)
            return record.as_dict()
    record.leave_out(images)
    return record.as_dict()


class _NotBinaryError(BadDataError):
    """A mask with more values than two."""


def _object_pixels(
    tree: SourceTree, file: str, threshold: float, binary: bool = False
) -> np.ndarray:
    if threshold == 0 and is_jpeg(tree, file):
        raise BadDataError(
            'a JPEG, which is not black outside its objects: add --threshold '
            '127, or take the masks as PNG or TIFF'
        )
    values = read_pixels(tree, file)
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[-1] in (3, 4) else values
        values = colours.max(axis=-1)
    if binary and threshold == 0:
        found = np.unique(values)
        if len(found) > 2 or (len(found) == 2 and found[0] != 0):
            raise _NotBinaryError(
                f'has {len(found)} values ({found[0]} to {found[-1]}) where '
                'a binary mask has 0 and one other: use label_images.py if '
                'each value is one object, or add --threshold'
            )
    return values > threshold
