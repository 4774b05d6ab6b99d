"""Cut an image in two, one part to train on and one to hold out."""

from pathlib import Path

import numpy as np
import tifffile
from pycocotools import mask as rle_tools

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import CocoDict
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_records import annotate
from cupre_mm.utils.labelled_sets.object_rules import ObjectMask, cut_out
from cupre_mm.utils.microscopy_io import read_image

_HELD_OUT_CELLS = 0.25
# The cut lies where the held-out part has between these shares of the side.
_LEAST, _MOST = 0.15, 0.5
_LEAST_SIDE = 32


def cut_in_two(
    coco: CocoDict, images: Path, out: Path
) -> tuple[CocoDict, CocoDict]:
    """Cut every image across its longer side, at a quarter of its cells.

    The held-out part is the right or the lower one. No pixel is in both; a
    cell on the cut is cut, as by the border of an image.

    Args:
        coco (dict): COCO annotations with RLE masks.
        images (Path): Folder of its images.
        out (Path): Folder that the parts are written to, as TIFF.

    Returns:
        tuple[dict, dict]: Annotations of the parts to train on and of those
        held out.

    Raises:
        BadDataError: If an image is too small, or a part has no cell.
    """
    make_folder(out)
    parts: tuple[CocoDict, CocoDict] = (
        {**coco, 'images': [], 'annotations': []},
        {**coco, 'images': [], 'annotations': []},
    )
    for image in coco['images']:
        cells = [
            one
            for one in coco['annotations']
            if one['image_id'] == image['id']
        ]
        height, width = image['height'], image['width']
        axis = 0 if height > width else 1
        cut = _place_of_cut(
            [_centre(one, axis) for one in cells],
            (height, width)[axis],
            image['file_name'],
        )
        pixels = read_image(images / image['file_name'])
        windows = [(0, cut), (cut, (height, width)[axis])]
        for part, window, name in zip(parts, windows, ('train', 'held_out')):
            piece = _slice(pixels, axis, window)
            file = f'{Path(image["file_name"]).stem}_{image["id"]}_{name}.tif'
            tifffile.imwrite(
                out / file,
                np.ascontiguousarray(piece),
                photometric='rgb' if piece.ndim == 3 else 'minisblack',
            )
            _add(part, image, cells, axis, window, piece.shape[:2], file)
    for part, name in zip(parts, ('training', 'held-out')):
        if not part['annotations']:
            raise BadDataError(
                f'the {name} part of the cut images has no cell; label more '
                'images'
            )
    return parts


def _centre(annotation: dict, axis: int) -> float:
    left, top, width, height = annotation['bbox']
    return top + height / 2 if axis == 0 else left + width / 2


def _place_of_cut(centres: list[float], side: int, file: str) -> int:
    low, high = round(side * (1 - _MOST)), round(side * (1 - _LEAST))
    if side - high < _LEAST_SIDE or low < _LEAST_SIDE:
        low, high = max(low, _LEAST_SIDE), min(high, side - _LEAST_SIDE)
    if low > high:
        raise BadDataError(
            f'{file}: {side} px are too few to hold a part out; label three '
            'images or more, so that a whole one can be'
        )
    if not centres:
        return high
    wanted = np.quantile(centres, 1 - _HELD_OUT_CELLS)
    return int(np.clip(round(wanted), low, high))


def _slice(
    pixels: np.ndarray, axis: int, window: tuple[int, int]
) -> np.ndarray:
    return pixels[slice(*window)] if axis == 0 else pixels[:, slice(*window)]


def _add(
    part: CocoDict,
    image: dict,
    cells: list[dict],
    axis: int,
    window: tuple[int, int],
    shape: tuple[int, int],
    file: str,
) -> None:
    height, width = shape
    number = len(part['images']) + 1
    part['images'].append(
        {
            'id': number,
            'file_name': file,
            'height': height,
            'width': width,
            'cut_from': image['file_name'],
            'cut_at': list(window),
        }
    )
    for cell in cells:
        mask = _slice(
            rle_tools.decode(cell['segmentation']).astype(bool), axis, window
        )
        if not mask.any():
            continue
        found: ObjectMask = cut_out(mask)
        part['annotations'].append(
            {
                **{key: cell[key] for key in ('category_id', 'iscrowd')},
                'id': len(part['annotations']) + 1,
                'image_id': number,
                **annotate(found, height, width),
            }
        )
