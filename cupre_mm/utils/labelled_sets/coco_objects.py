"""The annotations of one image of a COCO json, rasterised to RLE.

Polygons become pixels as pycocotools makes them, and area and box are those
of the pixels. Crowds are regions and no objects, so the rules of objects do
not apply to them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_records import ImageRecord
from cupre_mm.utils.labelled_sets.coco_source import CocoItem
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules, cut_out
from cupre_mm.utils.mask_checks import (
    FARTHEST,
    are_coordinates,
    fills_image,
)

BAD_COCO = {
    'absent_images': 'images that the source does not hold, left out with '
    'their annotations',
    'lost_annotations': 'annotations of images that the json does not list, '
    'dropped',
    'other_size_images': 'images of another size than the json says, left '
    'out with their annotations',
    'other_size_masks': 'RLE masks of another size than the image, dropped',
    'bad_masks': 'annotations without a usable mask, dropped',
    'unknown_categories': 'annotations of a category that the json does not '
    'list, dropped',
}
COCO_CASES = {
    **BAD_COCO,
    'empty_masks': 'masks without a pixel, dropped',
    'flat_polygons': 'polygons of fewer than three points, dropped',
    'boxes_outside': 'boxes that leave the image, replaced by that of the '
    'mask',
    'overlapping_masks': 'masks that overlap an earlier one, kept',
    'crowds': 'crowd annotations, kept',
    'images_without_annotations': 'images without annotations, kept',
}
CROWDS = ('keep', 'drop')
# COCO's own boxes may end a rounding error beyond the border.
_BOX_SLACK = 1.0
_OWN_KEYS = (
    'id',
    'image_id',
    'category_id',
    'segmentation',
    'bbox',
    'area',
    'iscrowd',
)


def convert_annotations(
    tree: SourceTree,
    item: CocoItem,
    images: Path,
    rules: ObjectRules,
    crowds: str = 'keep',
) -> dict:
    """Copy one image and encode its annotations.

    Args:
        tree (SourceTree): The source.
        item (CocoItem): The image.
        images (Path): ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        crowds (str): ``'keep'`` or ``'drop'`` crowd annotations. Defaults to
            ``'keep'``.

    Returns:
        dict: The record, see :mod:`.coco_records`; its cases are those of
        :data:`COCO_CASES` and of the rules.
    """
    record = ImageRecord(item.file_name, rules, item.attributes)
    if not record.store(tree, item.image, images):
        return record.as_dict()
    size = (record.height, record.width)
    if item.size not in (None, size):
        record.note(
            'other_size_images',
            f'{item.image}: {size[1]}x{size[0]} pixels, the json says '
            f'{item.size[1]}x{item.size[0]}',
        )
        record.leave_out(images)
        return record.as_dict()
    if not item.annotations:
        record.note('images_without_annotations', item.name)
    for place, annotation in enumerate(item.annotations):
        where = f'{item.name}:{annotation.get("id", f"number {place}")}'
        _add(record, item, annotation, where, crowds)
    return record.as_dict()


def _add(
    record: ImageRecord,
    item: CocoItem,
    annotation: dict,
    where: str,
    crowds: str,
) -> None:
    category = annotation.get('category_id')
    if not isinstance(category, (int, str)) or (
        category not in item.category_ids
    ):
        record.note('unknown_categories', f'{where}: {category!r}')
        return
    try:
        mask, flat = decode(
            annotation.get('segmentation'), record.height, record.width
        )
    except _OtherSizeError as error:
        record.note('other_size_masks', f'{where}: {error}')
        return
    except BadDataError as error:
        record.note('bad_masks', f'{where}: {error}')
        return
    for _ in range(flat):
        record.note('flat_polygons', where)
    if _leaves(annotation.get('bbox'), record.height, record.width):
        record.note('boxes_outside', where)
    keys = {
        **{
            key: value
            for key, value in annotation.items()
            if key not in _OWN_KEYS
        },
        'category_id': item.category_ids[category],
        'iscrowd': int(bool(annotation.get('iscrowd', 0))),
    }
    if keys['iscrowd']:
        record.note('crowds', where)
        if crowds == 'drop':
            return
    if not mask.any():
        record.note('empty_masks', where)
    elif keys['iscrowd']:
        record.add_region(cut_out(mask), **keys)
    else:
        record.add(where, cut_out(mask), **keys)


class _OtherSizeError(BadDataError):
    """A mask that belongs to an image of another size."""


def decode(
    segmentation: Any, height: int, width: int
) -> tuple[np.ndarray, int]:
    """The pixels of one annotation.

    Args:
        segmentation (Any): Polygons, or an RLE with counts as a list or
            compressed.
        height (int): Of the image, in pixels.
        width (int): Of the image, in pixels.

    Returns:
        tuple[np.ndarray, int]: (H, W), bool; and the number of polygons of
        fewer than three points, which are left out.

    Raises:
        BadDataError: If it is none of these, or no polygon is left.
    """
    if isinstance(segmentation, dict):
        return rle_tools.decode(_rle(segmentation, height, width)) > 0, 0
    _check_polygons(segmentation)
    # pycocotools would take a list of four numbers for a box.
    polygons = [polygon for polygon in segmentation if len(polygon) >= 6]
    if not polygons:
        raise BadDataError('it has no polygon of three points or more')
    rle = rle_tools.merge(rle_tools.frPyObjects(polygons, height, width))
    return rle_tools.decode(rle) > 0, len(segmentation) - len(polygons)


def _rle(segmentation: dict, height: int, width: int) -> dict:
    size, counts = segmentation.get('size'), segmentation.get('counts')
    if size != [height, width]:
        raise _OtherSizeError(
            f'the RLE has size {size}, the image [{height}, {width}]'
        )
    if isinstance(counts, list):
        if not fills_image(counts, height * width):
            raise BadDataError(
                f'the counts of the RLE do not add up to {height}x{width} '
                'pixels'
            )
        return rle_tools.frPyObjects(
            {'size': [height, width], 'counts': counts}, height, width
        )
    if not isinstance(counts, str):
        raise BadDataError('the RLE has no counts')
    if not fills_image(counts, height * width):
        raise BadDataError(
            f'the compressed RLE is damaged: it does not add up to '
            f'{height}x{width} pixels'
        )
    return {'size': [height, width], 'counts': counts.encode('ascii')}


def _check_polygons(segmentation: Any) -> None:
    if not isinstance(segmentation, list) or not segmentation:
        raise BadDataError(
            'it has no segmentation'
            if not segmentation
            else f'its segmentation is a {type(segmentation).__name__}'
        )
    for polygon in segmentation:
        if not isinstance(polygon, list) or (
            polygon and not are_coordinates(polygon)
        ):
            raise BadDataError(
                'a polygon is not a list of numbers x1, y1, x2, y2, ... '
                f'between -{FARTHEST} and {FARTHEST}'
            )
        if len(polygon) % 2:
            raise BadDataError(
                f'a polygon has {len(polygon)} numbers, an odd number'
            )


def _leaves(box: Any, height: int, width: int) -> bool:
    if (
        not isinstance(box, list)
        or len(box) != 4
        or not all(isinstance(value, (int, float)) for value in box)
    ):
        return False
    left, top, across, down = box
    try:
        return (
            min(left, top) < -_BOX_SLACK
            or left + across > width + _BOX_SLACK
            or top + down > height + _BOX_SLACK
        )
    except OverflowError:
        # A whole number too large to be added to a float.
        return True
