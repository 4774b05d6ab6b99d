"""Figures of a labelled data set: counts, sizes, and how anchors fit them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    AnchorGrid,
    best_ious,
    coverage,
    rank_scales,
)
from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes
from cupre_mm.utils.dataset_inspection.pipeline_scale import Scaling
from cupre_mm.utils.livecell.cell_types import cell_type_of

PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)
RECALL_IOUS = (0.3, 0.5, 0.7)
# Upper edges of the bins, in pixels that the network sees.
SIZE_BINS = (8, 12, 16, 24, 32, 48, 64, 96, 128, np.inf)
ASPECT_BINS = (1.5, 2.5, 4.0, np.inf)
SCALES_TO_TRY = (
    *((scale,) for scale in (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8)),
    *((scale, round(1.5 * scale, 2)) for scale in (1, 2, 3, 4)),
)
# Ranking scales repeats the work for each of them.
_MOST_RANKED = 100_000


def spread(values: np.ndarray) -> dict[str, float]:
    """Percentiles and mean of some values.

    Args:
        values (np.ndarray): Any shape.

    Returns:
        dict[str, float]: 'p0' to 'p100' and 'mean'; empty for no values.
    """
    if not values.size:
        return {}
    points = np.percentile(values, PERCENTILES)
    found = {f'p{p}': float(v) for p, v in zip(PERCENTILES, points)}
    return {**found, 'mean': float(values.mean())}


def strata_of(images: Sequence[Mapping], key: str) -> np.ndarray | None:
    """Read the group that each image belongs to.

    Args:
        images (Sequence[Mapping]): Image entries of a COCO file.
        key (str): Their key. For 'cell_type', images without it are told by
            their file name where it is one of LIVECell's.

    Returns:
        np.ndarray, optional: Names, (M,), '(none)' for images without one;
        None where no image has one.
    """
    names = [image.get(key) for image in images]
    if key == 'cell_type':
        names = [
            cell_type_of(image['file_name']) if name is None else name
            for name, image in zip(names, images)
        ]
    if all(name is None for name in names):
        return None
    return np.array(['(none)' if n is None else str(n) for n in names])


def describe_instances(
    coco: CocoBoxes, strata: np.ndarray | None
) -> dict[str, Any]:
    """Count instances and measure them in the pixels of the files.

    Args:
        coco (CocoBoxes): The boxes.
        strata (np.ndarray, optional): Group of each image, (M,).

    Returns:
        dict[str, Any]: Counts, and spreads of instances an image, root of
        the mask area, sides and aspect of the boxes; the main ones again
        'by_stratum'.
    """
    width, height = coco.boxes[:, 2], coco.boxes[:, 3]
    aspect = np.maximum(width, height) / np.minimum(width, height)
    found = dict(
        images=len(coco.images),
        instances=len(coco.boxes),
        images_without_instances=int((coco.counts == 0).sum()),
        crowd_regions_left_out=coco.crowds,
        boxes_without_extent_left_out=coco.degenerate,
        instances_per_image=spread(coco.counts),
        sqrt_area=spread(np.sqrt(coco.areas)),
        box_width=spread(width),
        box_height=spread(height),
        box_aspect=spread(aspect),
        image_sizes=image_sizes(coco.image_sizes),
    )
    if strata is None:
        return found
    found['by_stratum'] = {}
    for name in np.unique(strata).tolist():
        images = strata == name
        mine = images[coco.image_of]
        found['by_stratum'][name] = dict(
            images=int(images.sum()),
            instances=int(mine.sum()),
            instances_per_image=spread(coco.counts[images]),
            sqrt_area=spread(np.sqrt(coco.areas[mine])),
            box_aspect=spread(aspect[mine]),
        )
    return found


def image_sizes(sizes: np.ndarray) -> dict[str, int]:
    """Count the sizes of images, the most frequent first.

    Args:
        sizes (np.ndarray): Height and width, (M, 2).

    Returns:
        dict[str, int]: Number of images by 'height x width'.
    """
    unique, counts = np.unique(sizes.astype(int), axis=0, return_counts=True)
    order = np.argsort(-counts, kind='stable')
    return {f'{unique[n][0]} x {unique[n][1]}': int(counts[n]) for n in order}


class SeenBoxes:
    """Boxes as the network sees them at one scale of the pipeline.

    Args:
        coco (CocoBoxes): The boxes as stored.
        scaling (Scaling): Factors for its M images.

    Attributes:
        boxes (np.ndarray): Left, top, width and height, (N, 4).
        image_sizes (np.ndarray): Height and width of each box's image,
            (N, 2).
    """

    def __init__(self, coco: CocoBoxes, scaling: Scaling) -> None:
        factors = scaling.factors[coco.image_of]
        self.boxes = coco.boxes * np.tile(factors, 2)
        self._areas = coco.areas * factors.prod(axis=1)
        stored = coco.image_sizes[coco.image_of]
        self.image_sizes = np.rint(stored * factors[:, ::-1])

    @property
    def sides(self) -> np.ndarray:
        """Square roots of the boxes' areas, (N,)."""
        return np.sqrt(self.boxes[:, 2] * self.boxes[:, 3])

    @property
    def diameters(self) -> np.ndarray:
        """Diameters of discs of the masks' areas, (N,)."""
        return np.sqrt(4 / math.pi * self._areas)

    @property
    def aspects(self) -> np.ndarray:
        """Long side by short side, (N,)."""
        sides = self.boxes[:, 2:]
        return sides.max(1) / sides.min(1)


def describe_anchors(
    coco: CocoBoxes,
    scalings: Sequence[Scaling],
    grid: AnchorGrid,
    strata: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Measure how anchors fit the instances at each scale.

    Args:
        coco (CocoBoxes): The boxes as stored.
        scalings (Sequence[Scaling]): Scales of the pipeline.
        grid (AnchorGrid): The anchors.
        strata (np.ndarray, optional): Group of each image, (M,).
            Defaults to None.
        seed (int): Seed of the sample that scales are ranked on.
            Defaults to 0.

    Returns:
        tuple[dict[str, Any], np.ndarray, np.ndarray]: The figures; and, for
        the S scales one after the other, the sides of the boxes as the
        network sees them and their best IoUs, (S * N,) each.
    """
    seen = [SeenBoxes(coco, scaling) for scaling in scalings]
    ious = [best_ious(one.boxes, one.image_sizes, grid) for one in seen]
    by_scale = {
        scaling.name: dict(
            coverage(iou, grid),
            box_side=spread(one.sides),
            cell_diameter=spread(one.diameters),
        )
        for scaling, one, iou in zip(scalings, seen, ious)
    }
    sides = np.concatenate([one.sides for one in seen])
    aspects = np.concatenate([one.aspects for one in seen])
    all_ious = np.concatenate(ious)
    found = dict(
        anchor_sides=grid.sides,
        anchors_per_location=grid.per_location,
        pos_iou_thr=grid.pos_iou_thr,
        min_pos_iou=grid.min_pos_iou,
        all_scales=coverage(all_ious, grid),
        by_scale=by_scale,
        recall=recall_table(all_ious, sides, aspects),
    )
    if strata is not None:
        names = np.tile(strata[coco.image_of], len(seen))
        found['by_stratum'] = {
            name: coverage(all_ious[names == name], grid)
            for name in np.unique(names).tolist()
        }
    boxes = np.concatenate([one.boxes for one in seen])
    within = np.concatenate([one.image_sizes for one in seen])
    chosen = np.arange(len(boxes))
    if len(boxes) > _MOST_RANKED:
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(boxes), _MOST_RANKED, replace=False)
    if len(chosen):
        found['ranked_scales'] = rank_scales(
            boxes[chosen], within[chosen], grid, SCALES_TO_TRY
        )
        found['ranked_on_boxes'] = len(chosen)
    return found, sides, all_ious


def recall_table(
    ious: np.ndarray, sides: np.ndarray, aspects: np.ndarray
) -> list[dict[str, Any]]:
    """Best possible recall of the anchors by size and aspect of the boxes.

    Args:
        ious (np.ndarray): Best IoU of each box, (N,).
        sides (np.ndarray): Square roots of the boxes' areas, (N,).
        aspects (np.ndarray): Long side by short side, (N,).

    Returns:
        list[dict]: A row for each bin that has boxes: 'sides' and 'aspects'
        as [from, to), to None without end, 'boxes', and 'recall' by IoU.
    """
    # The number of edges that a value reaches is the number of its bin.
    size_bin = np.digitize(sides, SIZE_BINS[:-1])
    aspect_bin = np.digitize(aspects, ASPECT_BINS[:-1])
    rows = []
    for n, most in enumerate(SIZE_BINS):
        for m, longest in enumerate(ASPECT_BINS):
            mine = ious[(size_bin == n) & (aspect_bin == m)]
            if not len(mine):
                continue
            rows.append(
                dict(
                    sides=[SIZE_BINS[n - 1] if n else 0, _finite(most)],
                    aspects=[ASPECT_BINS[m - 1] if m else 1, _finite(longest)],
                    boxes=len(mine),
                    recall={
                        str(iou): float((mine >= iou).mean())
                        for iou in RECALL_IOUS
                    },
                )
            )
    return rows


def _finite(edge: float) -> float | None:
    return edge if np.isfinite(edge) else None
