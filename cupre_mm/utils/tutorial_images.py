"""The images and labels that docs/tutorial.md works through."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from pycocotools import mask as rle_tools

from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.microscopy_io import read_image

LABELLED, NEW, TRUTH = 'my_labels', 'new_images', 'new_labels'
# Small fluorescent nuclei on a dark ground: images of one kind, as a
# microscopist has them.
_SIDE = 256
_CELLS = (15, 100)
_DIAMETERS = (14, 30)
_BRIGHTEST_MEAN = 60
_MOST_LABELLED = 14
_NEW_FROM, _NEW_STEP = 40, 5


def write_tutorial_images(bbbc038: Path, out: Path) -> dict[str, int]:
    """Write images of BBBC038 as a microscope and a user would.

    ``my_labels`` has images of the test part with their label images,
    ``new_images`` images of the training part, whose label images are in
    ``new_labels``, in place of what the reader would draw.

    Args:
        bbbc038 (Path): Folder that the walk-through or the converter wrote,
            with ``images`` and ``annotations/seed0``.
        out (Path): A new folder.

    Returns:
        dict[str, int]: Files by folder.

    Raises:
        MissingDataError: If an annotation file or an image is not there.
        BadDataError: If no image is of the wanted kind.
        BadConfigError: If ``out`` holds something.
    """
    if out.exists() and any(out.iterdir()):
        raise BadConfigError(f'{out} is not empty: name a new folder')
    labelled = _alike(bbbc038, 'test')[:_MOST_LABELLED]
    new = _alike(bbbc038, 'train_100', by_name=True)
    new = new[:_NEW_FROM][_NEW_STEP - 1 :: _NEW_STEP]
    if not labelled or not new:
        raise BadDataError(
            f'{bbbc038} has no images of small fluorescent nuclei: is it '
            'BBBC038, as tools/walkthrough.py mini writes it?'
        )
    for folder in (LABELLED, NEW, TRUTH):
        make_folder(out / folder)
    for number, (image, labels) in enumerate(labelled):
        stem = f'field{number:02d}'
        tifffile.imwrite(out / LABELLED / f'{stem}.tif', image)
        tifffile.imwrite(out / LABELLED / f'{stem}_masks.tif', labels)
    for number, (image, labels) in enumerate(new, 1):
        stem = f'well{number:02d}'
        tifffile.imwrite(out / NEW / f'{stem}.tif', image)
        tifffile.imwrite(out / TRUTH / f'{stem}_masks.tif', labels)
    return {LABELLED: 2 * len(labelled), NEW: len(new), TRUTH: len(new)}


def _alike(
    bbbc038: Path, split: str, by_name: bool = False
) -> list[tuple[np.ndarray, np.ndarray]]:
    coco, _ = read_coco(bbbc038 / 'annotations' / 'seed0' / f'{split}.json')
    cells: dict[int, list[dict[str, Any]]] = {}
    for one in coco['annotations']:
        cells.setdefault(one['image_id'], []).append(one)
    entries = coco['images']
    if by_name:
        entries = sorted(entries, key=lambda entry: entry['file_name'])
    found = []
    for entry in entries:
        own = cells.get(entry['id'], [])
        if not _CELLS[0] <= len(own) <= _CELLS[1]:
            continue
        if (entry['height'], entry['width']) != (_SIDE, _SIDE):
            continue
        areas = [one['area'] for one in own]
        diameter = np.median(np.sqrt(4 / math.pi * np.array(areas)))
        if not _DIAMETERS[0] <= diameter <= _DIAMETERS[1]:
            continue
        image = _gray(read_image(bbbc038 / 'images' / entry['file_name']))
        if image.mean() < _BRIGHTEST_MEAN:
            found.append((image, _label_image(own)))
    return found


def _gray(image: np.ndarray) -> np.ndarray:
    """(H, W) of equal channels."""
    return image if image.ndim == 2 else image[..., 0]


def _label_image(cells: list[dict[str, Any]]) -> np.ndarray:
    labels = np.zeros((_SIDE, _SIDE), np.uint16)
    for number, cell in enumerate(cells, 1):
        labels[rle_tools.decode(cell['segmentation']).astype(bool)] = number
    return labels
