"""What becomes of odd annotations: mended or left out, and counted."""

from itertools import chain
from typing import Any

from pycocotools import mask as rle

# Of an annotation that is kept after a change.
MENDED = {
    'boxes_clipped': 'boxes that stuck out of their image, cut at its border',
    'boxes_from_mask': 'boxes missing or without an area, taken from the mask',
    'polygons_dropped': 'cells with a polygon of fewer than three points '
    'beside good ones, kept without it',
}
# Of an annotation that is not.
LEFT_OUT = {
    'empty_masks': 'cells whose mask encloses nothing, left out',
    'boxes_outside': 'cells whose box is wholly outside the image, left out',
    'masks_of_other_size': 'cells whose RLE mask has not the size of the '
    'image, left out',
    'duplicates': 'cells that repeat another one of the same image, left out',
}
PROBLEMS = {**MENDED, **LEFT_OUT}

_FEWEST_NUMBERS = 6  # three points


def mend_annotation(
    annotation: dict[str, Any], height: int, width: int
) -> tuple[dict[str, Any] | None, list[str]]:
    """Bring an annotation to COCO's form, or say why that is not possible.

    Polygons keep all their points, also those outside the image: whatever
    draws a mask cuts it at the border.

    Args:
        annotation (dict): As the source has it.
        height (int): Of its image, in pixels.
        width (int): The same.

    Returns:
        tuple[dict | None, list[str]]: ``segmentation``, ``bbox``, ``area``
        and ``iscrowd``, or None for one that has to be left out; and the
        kinds of :data:`PROBLEMS` it has.
    """
    mask = annotation.get('segmentation')
    if isinstance(mask, dict):
        if mask.get('size') != [height, width]:
            return None, ['masks_of_other_size']
        if not isinstance(mask.get('counts'), (str, list)):
            return None, ['empty_masks']
        problems = []
    else:
        mask, problems = _good_polygons(mask)
    area, box = annotation.get('area'), annotation.get('bbox')
    if not mask:
        return None, ['empty_masks']
    if not _is_number(area) or area <= 0:
        area = _mask_area(mask)
    if not _is_box(box):
        box = _mask_box(mask)
        problems.append('boxes_from_mask')
    if area <= 0 or not _is_box(box):
        return None, ['empty_masks']
    left, top = max(box[0], 0), max(box[1], 0)
    right = min(box[0] + box[2], width)
    bottom = min(box[1] + box[3], height)
    if right <= left or bottom <= top:
        return None, ['boxes_outside']
    if (
        left > box[0]
        or top > box[1]
        or right < box[0] + box[2]
        or bottom < box[1] + box[3]
    ):
        box = [left, top, right - left, bottom - top]
        problems.append('boxes_clipped')
    return {
        'segmentation': mask,
        'bbox': box,
        'area': area,
        'iscrowd': int(bool(annotation.get('iscrowd'))),
    }, problems


def _good_polygons(polygons: Any) -> tuple[list[list[float]], list[str]]:
    if not isinstance(polygons, list):
        return [], []
    if polygons and _is_number(polygons[0]):
        # One polygon that was not put into a list of polygons.
        polygons = [polygons]
    good = [polygon for polygon in polygons if _is_polygon(polygon)]
    return good, ['polygons_dropped'] if len(good) < len(polygons) else []


def _is_polygon(polygon: Any) -> bool:
    return (
        isinstance(polygon, list)
        and len(polygon) >= _FEWEST_NUMBERS
        and len(polygon) % 2 == 0
        and all(map(_is_number, polygon))
    )


def _is_box(box: Any) -> bool:
    return (
        isinstance(box, list)
        and len(box) == 4
        and all(map(_is_number, box))
        and box[2] > 0
        and box[3] > 0
    )


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _mask_area(mask: dict | list[list[float]]) -> float:
    if isinstance(mask, dict):
        return int(rle.area(_encoded(mask)))
    return float(sum(map(_polygon_area, mask)))


def _mask_box(mask: dict | list[list[float]]) -> list[float]:
    if isinstance(mask, dict):
        return rle.toBbox(_encoded(mask)).tolist()
    xs = list(chain.from_iterable(polygon[0::2] for polygon in mask))
    ys = list(chain.from_iterable(polygon[1::2] for polygon in mask))
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _encoded(mask: dict) -> dict:
    if isinstance(mask['counts'], list):
        return rle.frPyObjects(mask, *mask['size'])
    return mask


def _polygon_area(polygon: list[float]) -> float:
    xs, ys = polygon[0::2], polygon[1::2]
    before = zip(xs[-1:] + xs, ys[-1:] + ys)
    doubled = sum(x0 * y - x * y0 for x, y, (x0, y0) in zip(xs, ys, before))
    return abs(doubled) / 2
