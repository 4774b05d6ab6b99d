"""Makes overlapping detections share out the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cupre_mm.apis.detection import Detection
from cupre_mm.utils.box_index import BoxIndex
from cupre_mm.utils.cropped_masks import CroppedMask, crop_mask


def resolve_overlaps(
    detections: Sequence[Detection], min_visible: float
) -> tuple[list[Detection], int]:
    """Give each pixel to the best-scored detection that claims it.

    Of equal scores the one further up, then the one further left, is in
    front: tiles must not matter. A detection of which less
    than ``min_visible`` is left, or no pixel, is dropped and claims nothing.
    It is the rule of the cell scores of evaluation, which take it from the
    panoptic fusion of Kirillov et al. (CVPR 2019).

    Args:
        detections (Sequence[Detection]): In any order.
        min_visible (float): Least share of a mask that must be left.

    Returns:
        tuple[list[Detection], int]: The detections, best score first, with
        what is left of their masks, and how many were dropped.
    """
    order = sorted(
        detections, key=lambda one: (-one.score, one.mask.top, one.mask.left)
    )
    kept: list[Detection] = []
    placed = BoxIndex()
    for one in order:
        mask = one.mask
        left = _without(mask, [kept[j].mask for j in placed.near(mask)])
        if left is None or left.area < min_visible * mask.area:
            continue
        placed.add(len(kept), left)
        kept.append(one if left is mask else replace(one, mask=left))
    return kept, len(detections) - len(kept)


def _without(
    mask: CroppedMask, others: Sequence[CroppedMask]
) -> CroppedMask | None:
    """What is left of a mask where others lie on it."""
    pixels = None
    for other in others:
        top, left = max(mask.top, other.top), max(mask.left, other.left)
        bottom = min(mask.bottom, other.bottom)
        right = min(mask.right, other.right)
        if top >= bottom or left >= right:
            continue
        if pixels is None:
            pixels = mask.pixels.copy()
        pixels[
            top - mask.top : bottom - mask.top,
            left - mask.left : right - mask.left,
        ] &= ~other.pixels[
            top - other.top : bottom - other.top,
            left - other.left : right - other.left,
        ]
    if pixels is None:
        return mask
    cropped = crop_mask(pixels)
    return None if cropped is None else cropped.moved(mask.top, mask.left)
