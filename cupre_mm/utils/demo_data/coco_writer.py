"""Masks to a COCO annotation file."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

# Contours are traced on an enlarged mask, because OpenCV's contours run
# through pixel centres and would lose half a pixel all around.
ZOOM = 4


def to_rle(mask: np.ndarray) -> dict[str, Any]:
    """Encode a mask as a run-length code that json can hold.

    Args:
        mask (np.ndarray): bool (H, W).

    Returns:
        dict: ``size`` and ``counts``, compressed, as a str.
    """
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': list(rle['size']), 'counts': rle['counts'].decode('ascii')}


def to_polygons(mask: np.ndarray) -> list[list[float]] | None:
    """Trace a mask's outer contours.

    Args:
        mask (np.ndarray): bool (H, W).

    Returns:
        list[list[float]] | None: One polygon ``[x, y, x, y, ...]`` a part,
        or None where polygons cannot tell the mask: it has a hole, or a
        part too thin to have three corners.
    """
    large = np.repeat(np.repeat(mask.astype(np.uint8), ZOOM, 0), ZOOM, 1)
    contours, tree = cv2.findContours(
        large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    if not contours or (tree[0, :, 3] >= 0).any():
        return None
    polygons = []
    for contour in contours:
        corners = cv2.approxPolyDP(contour, 0.35 * ZOOM, True)[:, 0]
        if len(corners) < 3:
            return None
        points = (corners + 0.5) / ZOOM
        polygons.append([round(float(v), 2) for v in points.ravel()])
    return polygons


@dataclass
class CocoWriter:
    """Collect pictures and instances, then write one COCO json.

    Area and box are measured on what pycocotools decodes from the
    segmentation, so that they agree with it to the pixel.

    Args:
        description (str): Told in the file's ``info``.
        category_names (tuple[str, ...]): Names; ids count from 1.
    """

    description: str
    category_names: tuple[str, ...]
    images: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)

    def add(
        self,
        file_name: str,
        masks: list[np.ndarray],
        categories: list[int],
        shape: tuple[int, int],
        polygons: bool = False,
    ) -> None:
        """Add a picture and its instances.

        Args:
            file_name (str): Name within the images folder.
            masks (list[np.ndarray]): bool (H, W), one per instance.
            categories (list[int]): Index of each instance's category.
            shape (tuple[int, int]): Height and width in pixels.
            polygons (bool): Whether to write polygons where they can tell
                the mask. Defaults to False, run-length codes throughout.
        """
        image_id = len(self.images) + 1
        self.images.append(
            {
                'id': image_id,
                'file_name': file_name,
                'height': shape[0],
                'width': shape[1],
            }
        )
        for mask, category in zip(masks, categories):
            traced = to_polygons(mask) if polygons else None
            if traced is not None:
                parts = coco_mask.frPyObjects(traced, *shape)
                rle = coco_mask.merge(parts)
            else:
                rle = to_rle(mask)
            self.annotations.append(
                {
                    'id': len(self.annotations) + 1,
                    'image_id': image_id,
                    'category_id': category + 1,
                    'iscrowd': 0,
                    'area': int(coco_mask.area(rle)),
                    'bbox': coco_mask.toBbox(rle).tolist(),
                    'segmentation': traced if traced is not None else rle,
                }
            )

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Args:
            path (Path): The json; missing folders are made.
        """
        write_json(
            path,
            {
                'info': {'description': self.description},
                'licenses': [],
                'categories': [
                    {'id': i, 'name': name, 'supercategory': name.split()[-1]}
                    for i, name in enumerate(self.category_names, start=1)
                ],
                'images': self.images,
                'annotations': self.annotations,
            },
        )


def write_json(path: Path, content: dict) -> None:
    """Write a json so that an interrupted run leaves no half of it.

    Args:
        path (Path): The file; missing folders are made.
        content (dict): What to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f'{path.name}.part')
    draft.write_text(json.dumps(content), encoding='utf-8')
    os.replace(draft, path)
