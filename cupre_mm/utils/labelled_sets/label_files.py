"""An image and a label image, in which each object has a number of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_records import ImageRecord
from cupre_mm.utils.labelled_sets.object_rules import (
    ObjectMask,
    ObjectRules,
    components_of,
)
from cupre_mm.utils.labelled_sets.paired_items import PairItem
from cupre_mm.utils.labelled_sets.source_images import (
    is_jpeg,
    read_values,
)

BAD_LABELS = {
    'unreadable_labels': 'label images that cannot be read',
    'other_size_labels': 'label images of another size than their image',
    'ambiguous_labels': 'label images that do not hold one number an object',
}
LABEL_CASES = {
    **BAD_LABELS,
    'whole_float_labels': 'label images of floats that are whole numbers, '
    'read as numbers',
    'negative_labels': 'label images with negative numbers, read as '
    'background',
    'single_labels': 'label images with one number for several pieces',
    'overlapping_masks': 'filled or split objects that overlap an earlier '
    'one, kept',
    'empty_images': 'images with a label image that holds no object, kept',
}


@dataclass(frozen=True)
class LabelReading:
    """How numbers are told from a label image.

    Attributes:
        colour_coded (bool): Whether each colour but black is one object.
            Defaults to False: colours are refused.
        negative_background (bool): Whether negative numbers are background.
            Defaults to False: they are refused.
    """

    colour_coded: bool = False
    negative_background: bool = False


def convert_labels(
    tree: SourceTree,
    item: PairItem,
    images: Path,
    rules: ObjectRules,
    reading: LabelReading,
) -> dict:
    """Write one image and encode the objects of its label image.

    An image whose label image cannot be used is left out: without objects
    it would teach that its cells are background.

    Args:
        tree (SourceTree): The source.
        item (PairItem): The pair.
        images (Path): ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        reading (LabelReading): How the label image is read.

    Returns:
        dict: The record, see :mod:`.coco_records`; its cases are those of
        :data:`LABEL_CASES` and of the rules.
    """
    record = ImageRecord(item.file_name, rules)
    if not record.store(tree, item.image, images):
        return record.as_dict()
    if item.label is None:
        record.note('images_without_labels', item.image)
        return record.as_dict()
    labels = _read_labels(tree, item, record, reading)
    if labels is None:
        record.leave_out(images)
        return record.as_dict()
    count = 0
    for number, mask, others in objects_of(labels):
        count += 1
        record.add(f'{item.label}:{number}', mask, others)
    if count == 0:
        record.note('empty_images', item.label)
    elif count == 1 and len(components_of(mask)) > 1:
        record.note('single_labels', item.label)
    return record.as_dict()


def objects_of(
    labels: np.ndarray,
) -> Iterator[tuple[int, ObjectMask, np.ndarray]]:
    """The objects of a label image.

    Args:
        labels (np.ndarray): (H, W), whole numbers; 0 is background.

    Yields:
        tuple[int, ObjectMask, np.ndarray]: The number, its pixels, and
        where within them (h, w) other numbers lie, by rising number.
    """
    numbers, dense = np.unique(labels, return_inverse=True)
    # Older NumPy returns the second one flat.
    dense = dense.reshape(labels.shape) + 1
    boxes = ndimage.find_objects(dense)
    for place, (number, box) in enumerate(zip(numbers, boxes), 1):
        if number == 0:
            continue
        part = dense[box]
        pixels = part == place
        mask = ObjectMask(pixels, box[0].start, box[1].start)
        yield int(number), mask, (labels[box] != 0) & ~pixels


def _read_labels(
    tree: SourceTree,
    item: PairItem,
    record: ImageRecord,
    reading: LabelReading,
) -> np.ndarray | None:
    try:
        values = read_values(tree, item.label)
    except BadDataError as error:
        record.note('unreadable_labels', f'{item.label}: {error}')
        return None
    if values.shape[:2] != (record.height, record.width):
        record.note(
            'other_size_labels',
            f'{item.label}: {values.shape[1]}x{values.shape[0]} pixels, '
            f'{item.image} has {record.width}x{record.height}',
        )
        return None
    try:
        if is_jpeg(tree, item.label):
            raise BadDataError(
                'a JPEG, which blurs the numbers: take the labels as PNG or '
                'TIFF'
            )
        return _numbers(values, item.label, record, reading)
    except BadDataError as error:
        record.note('ambiguous_labels', f'{item.label}: {error}')
        return None


def _numbers(
    values: np.ndarray,
    file: str,
    record: ImageRecord,
    reading: LabelReading,
) -> np.ndarray:
    if values.ndim == 3:
        values = _one_channel(values, reading.colour_coded)
    if values.dtype.kind == 'f':
        if not np.isfinite(values).all() or (values != np.rint(values)).any():
            raise BadDataError(
                'has values that are not whole numbers, so it is a '
                'probability or distance map: take the label image itself'
            )
        record.note('whole_float_labels', file)
        values = values.astype(np.int64)
    if values.dtype.kind == 'b':
        values = values.astype(np.uint8)
    if (values < 0).any():
        if not reading.negative_background:
            raise BadDataError(
                f'has negative numbers, least {values.min()}; add '
                '--negative-background if they stand for background'
            )
        record.note('negative_labels', file)
        values = np.maximum(values, 0)
    return values


def _one_channel(values: np.ndarray, colour_coded: bool) -> np.ndarray:
    """One number a pixel of (H, W, C)."""
    channels = values.shape[-1]
    colours = values[..., :3] if channels in (3, 4) else values
    if (colours == colours[..., :1]).all():
        return colours[..., 0]
    if channels not in (3, 4) or values.dtype.kind != 'u':
        raise BadDataError(
            f'has {channels} channels of {values.dtype}; labels must be one '
            'number a pixel'
        )
    if not colour_coded:
        raise BadDataError(
            'is a colour image; add --colour-coded if each colour is one '
            'object, else save the labels as one 16-bit number a pixel'
        )
    wide = colours.astype(np.uint64)
    bits = 8 * values.dtype.itemsize
    return wide[..., 0] << 2 * bits | wide[..., 1] << bits | wide[..., 2]
