"""Generates an image full of cells, with annotations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

# Points of an outline.
_POINTS = 24


def dense_image(
    instances: int, size: Sequence[int], seed: int
) -> dict[str, Any]:
    """Generate an image full of cells on a shifted grid.

    Args:
        instances (int): Number of cells.
        size (Sequence[int]): Height and width.
        seed (int): Of the cells' places, sizes and brightness.

    Returns:
        dict[str, Any]: What mmdet's pipelines have after loading the image.
    """
    height, width = size
    random = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(instances * width / height)))
    rows = int(np.ceil(instances / columns))
    pitch = np.array([width / columns, height / rows])
    number = np.arange(instances)
    centers = np.stack([number % columns, number // columns], axis=1) + 0.5
    centers = (centers + random.uniform(-0.15, 0.15, centers.shape)) * pitch
    radii = random.uniform(0.35, 0.6, (instances, 1, 1)) * pitch.min()
    angles = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outlines = (centers[:, None] + radii * rays).clip(
        0, [width - 1, height - 1]
    )
    image = np.full((height, width, 3), 90, np.uint8)
    entries = []
    for outline in outlines:
        low, high = outline.min(axis=0), outline.max(axis=0)
        (x1, y1), (x2, y2) = low.astype(int), high.astype(int) + 1
        image[y1:y2, x1:x2] = random.integers(120, 200)
        entries.append(
            dict(
                bbox=[*low.tolist(), *high.tolist()],
                bbox_label=0,
                ignore_flag=0,
                mask=[outline.ravel().tolist()],
            )
        )
    return dict(
        img=image,
        img_id=0,
        img_path='generated',
        img_shape=(height, width),
        ori_shape=(height, width),
        height=height,
        width=width,
        scale_factor=(1.0, 1.0),
        instances=entries,
    )
