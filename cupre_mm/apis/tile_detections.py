"""From what a model gives for a tile to cells of the image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData

from cupre_mm.apis.detection import Detection
from cupre_mm.apis.segmentation_options import SegmentationOptions
from cupre_mm.apis.tile_grid import Tile
from cupre_mm.utils.cropped_masks import CroppedMask, crop_codes, crop_mask


def to_detections(found: InstanceData, tile: Tile) -> list[Detection]:
    """Turn a model's result into detections in pixels of the image.

    Args:
        found (InstanceData): ``bboxes``, ``scores``, ``labels`` and
            ``masks`` on the CPU, in pixels of the tile; masks dense or as
            run-length codes.
        tile (Tile): The tile.

    Returns:
        list[Detection]: Those whose mask has foreground.
    """
    detections = []
    shift = np.array([tile.left, tile.top] * 2, np.float32)
    masks = _crop(found.masks, tile.shape)
    boxes = found.bboxes.numpy() + shift
    for mask, box, score, label in zip(
        masks, boxes, found.scores.tolist(), found.labels.tolist()
    ):
        if mask is not None:
            mask = mask.moved(tile.top, tile.left)
            detections.append(Detection(mask, box, score, label))
    return detections


def _crop(masks: Any, shape: tuple[int, int]) -> list[CroppedMask | None]:
    if isinstance(masks, torch.Tensor):
        return [crop_mask(mask) for mask in masks.numpy()]
    return crop_codes(list(masks), shape)


def filter_cells(
    cells: Sequence[Detection],
    shape: tuple[int, int],
    options: SegmentationOptions,
    counts: Counter[str],
) -> list[Detection]:
    """Leave out cells that the user does not want.

    Args:
        cells (Sequence[Detection]): The cells.
        shape (tuple[int, int]): Height and width of the image.
        options (SegmentationOptions): Areas, and whether cells at the border
            count.
        counts (Counter): Gains ``below_min_area``, ``above_max_area`` and
            ``at_border``.

    Returns:
        list[Detection]: The others.
    """
    height, width = shape
    kept = []
    for cell in cells:
        mask = cell.mask
        area = mask.area
        if area < options.min_area:
            counts['below_min_area'] += 1
        elif options.max_area is not None and area > options.max_area:
            counts['above_max_area'] += 1
        elif options.exclude_border and (
            mask.top == 0
            or mask.left == 0
            or mask.bottom == height
            or mask.right == width
        ):
            counts['at_border'] += 1
        else:
            kept.append(cell)
    return kept
