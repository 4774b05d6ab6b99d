"""Real images with their cells, single and as one mosaic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_codes

from cupre_mm.utils.coco_json import read_coco, take_images, write_json
from cupre_mm.utils.cropped_masks import CroppedMask, crop_codes, crop_mask
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.microscopy_io import read_image, to_three_channels

_LOW, _HIGH = 1.0, 99.8


@dataclass(frozen=True)
class ImageSet:
    """Images and their ground truth.

    Attributes:
        ann_file (Path): COCO json.
        paths (dict[int, Path]): Image files by their id.
        instances (int): Cells on them.
    """

    ann_file: Path
    paths: dict[int, Path]
    instances: int


def write_images(
    ann_file: Path, image_folder: Path, out: Path, number: int, largest: int
) -> ImageSet:
    """Write some images as all predictors are to see them.

    Args:
        ann_file (Path): COCO json.
        image_folder (Path): Where its images are.
        out (Path): Folder to write.
        number (int): How many images, spread evenly over the json.
        largest (int): Longest side of an image that may be taken.

    Returns:
        ImageSet: 8-bit RGB images, percentiles 1 and 99.8 stretched to black
        and white.

    Raises:
        BadDataError: If no image is that small.
    """
    truth, _ = read_coco(ann_file)
    small = [
        one
        for one in sorted(truth['images'], key=lambda one: one['id'])
        if max(one['height'], one['width']) <= largest
    ]
    if not small:
        raise BadDataError(f'{ann_file} has no image of up to {largest} px')
    number = min(number, len(small))
    chosen = [small[i * len(small) // number] for i in range(number)]
    part = take_images(truth, chosen)
    paths = {}
    for one in part['images']:
        name = f'{one["id"]}.png'
        pixels = _read(image_folder / one['file_name'])
        one['file_name'] = name
        paths[one['id']] = out / name
        cv2.imwrite(str(out / name), pixels[..., ::-1])
    write_json(out / 'truth.json', part)
    return ImageSet(out / 'truth.json', paths, len(part['annotations']))


def write_mosaic(images: ImageSet, out: Path, side: int) -> ImageSet:
    """Lay images side by side, again and again, until a square is full.

    Args:
        images (ImageSet): The images.
        out (Path): Folder to write.
        side (int): Height and width of the mosaic.

    Returns:
        ImageSet: One image; cells are cut where it ends.
    """
    truth, _ = read_coco(images.ann_file)
    cells: dict[int, list[dict[str, Any]]] = {}
    for one in truth['annotations']:
        cells.setdefault(one['image_id'], []).append(one)
    mosaic = np.zeros((side, side, 3), np.uint8)
    annotations: list[dict[str, Any]] = []
    sizes = {one['id']: one for one in truth['images']}
    # Of one height each row: no seam but those between whole images.
    order = sorted(images.paths, key=lambda i: (sizes[i]['height'], i))
    turn, top = 0, 0
    while top < side:
        left, height = 0, sizes[order[turn % len(order)]]['height']
        while left < side:
            number = order[turn % len(order)]
            one = sizes[number]
            pixels = cv2.imread(str(images.paths[number]))
            part = pixels[: min(height, side - top), : side - left]
            mosaic[top : top + part.shape[0], left : left + part.shape[1]] = (
                part
            )
            codes = [cell['segmentation'] for cell in cells.get(number, [])]
            masks = crop_codes(
                [_compressed(code) for code in codes],
                (one['height'], one['width']),
            )
            for cell, mask in zip(cells.get(number, []), masks):
                found = mask and _inside(mask, part.shape[:2])
                if found is None:
                    continue
                placed = found.moved(top, left)
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=1,
                        category_id=cell['category_id'],
                        iscrowd=0,
                        area=placed.area,
                        bbox=[
                            placed.left,
                            placed.top,
                            placed.pixels.shape[1],
                            placed.pixels.shape[0],
                        ],
                        segmentation=placed.to_rle((side, side)),
                    )
                )
            left += part.shape[1]
            turn += 1
        top += height
    path = out / 'mosaic.png'
    cv2.imwrite(str(path), mosaic)
    name = out / 'mosaic.json'
    write_json(
        name,
        dict(
            images=[dict(id=1, file_name=path.name, height=side, width=side)],
            annotations=annotations,
            categories=truth['categories'],
        ),
    )
    return ImageSet(name, {1: path}, len(annotations))


def _read(path: Path) -> np.ndarray:
    return to_three_channels(stretch_to_uint8(read_image(path), _LOW, _HIGH))


def _compressed(code: dict[str, Any]) -> dict[str, Any]:
    if isinstance(code['counts'], list):
        return mask_codes.frPyObjects(code, *code['size'])
    return code


def _inside(mask: CroppedMask, shape: tuple[int, int]) -> CroppedMask | None:
    height, width = shape[0] - mask.top, shape[1] - mask.left
    if height <= 0 or width <= 0:
        return None
    cropped = crop_mask(mask.pixels[:height, :width])
    return cropped and cropped.moved(mask.top, mask.left)
