"""How well the anchors of a detector can match boxes of given sizes.

For every box the best IoU with any anchor of the grid is computed, exactly:
of all anchors of one shape the one whose centre is nearest to the box's, in
x and in y, overlaps it most. So one comparison for each shape and level
stands for the whole grid.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mmdet.registry import TASK_UTILS
from mmengine.registry import DefaultScope

from cupre_mm.utils.errors import BadConfigError

_CHUNK = 200_000
_SHAPE_SIDES = (5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192)
_SHAPE_ASPECTS = (1, 2, 4)
_SHAPE_SAMPLES = 4000
# Those of mmdet's Mask R-CNN.
_STOCK_GENERATOR = dict(
    type='AnchorGenerator',
    scales=[8],
    ratios=[0.5, 1.0, 2.0],
    strides=[4, 8, 16, 32, 64],
)
_STOCK_ASSIGNER = dict(pos_iou_thr=0.7, min_pos_iou=0.3)


@dataclass(frozen=True)
class AnchorGrid:
    """Anchors of a detector, and when they are trained as positive.

    Attributes:
        generator (dict): Config of the anchor generator.
        levels (tuple): Stride (x, y) and base anchors (A, 4), as left, top,
            right and bottom around the first grid point, of each level.
        pos_iou_thr (float): IoU from which an anchor is positive.
        min_pos_iou (float): Least IoU at which the best anchor of a box is
            positive too; equal to ``pos_iou_thr`` where the assigner does
            not match low quality.
        allowed_border (float): How far, in pixels, anchors that are trained
            may cross the image's edge; negative for no limit.
        pad_divisor (int): What padded image sides are multiples of.
    """

    generator: dict
    levels: tuple[tuple[tuple[float, float], np.ndarray], ...]
    pos_iou_thr: float
    min_pos_iou: float
    allowed_border: float
    pad_divisor: int

    @property
    def sides(self) -> list[float]:
        """Square roots of the anchors' areas, each once, ascending."""
        areas = [
            (base[:, 2] - base[:, 0]) * (base[:, 3] - base[:, 1])
            for _, base in self.levels
        ]
        return sorted({round(float(a) ** 0.5, 1) for a in np.hstack(areas)})

    @property
    def per_location(self) -> int:
        """Anchors of a grid point, which the RPN's weights depend on."""
        return len(self.levels[0][1])

    def with_scales(self, scales: Sequence[float]) -> 'AnchorGrid':
        """The same with other scales.

        Args:
            scales (Sequence[float]): Anchor sides in strides.

        Returns:
            AnchorGrid: The changed grid.
        """
        kept = {
            key: value
            for key, value in self.generator.items()
            if key not in ('octave_base_scale', 'scales_per_octave')
        }
        generator = {**kept, 'scales': list(scales)}
        return replace(self, generator=generator, levels=_levels_of(generator))


def stock_grid() -> AnchorGrid:
    """The anchors of mmdet's Mask R-CNN.

    Returns:
        AnchorGrid: Five levels of 32 to 512 px.
    """
    return _grid_of(_STOCK_GENERATOR, _STOCK_ASSIGNER, {}, 32)


def grid_of_model(model: Mapping[str, Any]) -> AnchorGrid:
    """Read the anchors of a detector's config.

    Args:
        model (Mapping): Config of a two-stage detector with an RPN, or of a
            one-stage detector with anchors.

    Returns:
        AnchorGrid: Its anchors.

    Raises:
        BadConfigError: If the detector has no anchors.
    """
    head = model.get('rpn_head') or model.get('bbox_head') or {}
    generator = head.get('anchor_generator')
    if not generator:
        raise BadConfigError(
            f'the model {model.get("type")} has no anchor_generator in its '
            'rpn_head or bbox_head, so there are no anchors to look at'
        )
    train = model.get('train_cfg') or {}
    train = train.get('rpn') or train
    processor = model.get('data_preprocessor') or {}
    processor = processor.get('det') or processor
    return _grid_of(
        generator,
        train.get('assigner') or _STOCK_ASSIGNER,
        train,
        processor.get('pad_size_divisor', 1),
    )


def best_ious(
    boxes: np.ndarray, image_sizes: np.ndarray, grid: AnchorGrid
) -> np.ndarray:
    """Find the IoU of each box with the anchor that overlaps it most.

    Args:
        boxes (np.ndarray): Left, top, width and height, (N, 4), in the
            pixels that the network sees.
        image_sizes (np.ndarray): Height and width of each box's image
            there, (N, 2).
        grid (AnchorGrid): The anchors.

    Returns:
        np.ndarray: IoUs from 0 to 1, (N,), float32.
    """
    best = np.zeros(len(boxes), np.float32)
    for start in range(0, len(boxes), _CHUNK):
        part = slice(start, start + _CHUNK)
        best[part] = _best_of_chunk(boxes[part], image_sizes[part], grid)
    return best


def coverage(ious: np.ndarray, grid: AnchorGrid) -> dict[str, float]:
    """Summarise the best IoUs of boxes.

    Args:
        ious (np.ndarray): Best IoUs, (N,).
        grid (AnchorGrid): The anchors.

    Returns:
        dict[str, float]: Shares of boxes from 0 to 1: 'uncovered', which no
        anchor is ever positive for; 'below_0.5'; 'below_pos_iou_thr', which
        only the rule for best anchors covers; and 'mean_iou'.
    """
    if not len(ious):
        return {}
    return {
        'uncovered': float((ious < grid.min_pos_iou).mean()),
        'below_0.5': float((ious < 0.5).mean()),
        'below_pos_iou_thr': float((ious < grid.pos_iou_thr).mean()),
        'mean_iou': float(ious.mean(dtype=np.float64)),
    }


def rank_scales(
    boxes: np.ndarray,
    image_sizes: np.ndarray,
    grid: AnchorGrid,
    candidates: Iterable[Sequence[float]],
) -> list[dict[str, Any]]:
    """Try other anchor scales on the same boxes.

    Args:
        boxes (np.ndarray): See :func:`best_ious`.
        image_sizes (np.ndarray): See :func:`best_ious`.
        grid (AnchorGrid): The anchors to vary.
        candidates (Iterable[Sequence[float]]): The scales to try.

    Returns:
        list[dict]: 'scales', 'per_location' and what :func:`coverage` gives
        for each, in the order of the least mean of 'uncovered' and
        'below_0.5': one alone would favour anchors that are found
        everywhere but fit nothing, or the reverse.
    """
    rows = []
    for scales in candidates:
        changed = grid.with_scales(scales)
        found = coverage(best_ious(boxes, image_sizes, changed), changed)
        rows.append(
            dict(
                scales=list(scales), per_location=changed.per_location, **found
            )
        )
    return sorted(rows, key=lambda row: row['uncovered'] + row['below_0.5'])


def shape_coverage(grid: AnchorGrid, seed: int = 0) -> list[dict[str, float]]:
    """Tell how anchors fit box shapes, whatever the data.

    Args:
        grid (AnchorGrid): The anchors.
        seed (int): Seed of the places of the boxes. Defaults to 0.

    Returns:
        list[dict[str, float]]: For each 'side', the root of a box's area in
        pixels, and 'aspect', what :func:`coverage` gives for boxes at
        random places, far from the image's edge, half of them upright.
    """
    generator = np.random.default_rng(seed)
    places = generator.uniform(1024, 2048, (_SHAPE_SAMPLES, 2))
    within = np.full((_SHAPE_SAMPLES, 2), 3072.0)
    rows = []
    for aspect in _SHAPE_ASPECTS:
        for side in _SHAPE_SIDES:
            long, short = side * aspect**0.5, side / aspect**0.5
            sides = np.tile([[long, short], [short, long]], (2, 1))
            sides = np.resize(sides, (_SHAPE_SAMPLES, 2))
            boxes = np.hstack([places - sides / 2, sides])
            found = coverage(best_ious(boxes, within, grid), grid)
            rows.append(dict(side=float(side), aspect=float(aspect), **found))
    return rows


def _grid_of(
    generator: Mapping, assigner: Mapping, train: Mapping, divisor: int
) -> AnchorGrid:
    positive = assigner.get('pos_iou_thr', _STOCK_ASSIGNER['pos_iou_thr'])
    least = assigner.get('min_pos_iou', 0.0)
    if not assigner.get('match_low_quality', True):
        least = positive
    generator = dict(generator)
    return AnchorGrid(
        generator=generator,
        levels=_levels_of(generator),
        pos_iou_thr=positive,
        min_pos_iou=least,
        allowed_border=train.get('allowed_border', -1),
        pad_divisor=divisor,
    )


def _levels_of(
    generator: Mapping,
) -> tuple[tuple[tuple[float, float], np.ndarray], ...]:
    with DefaultScope.overwrite_default_scope('mmdet'):
        built = TASK_UTILS.build(dict(generator))
    return tuple(
        (tuple(map(float, stride)), base.numpy().astype(np.float32))
        for stride, base in zip(built.strides, built.base_anchors)
    )


def _best_of_chunk(
    boxes: np.ndarray, image_sizes: np.ndarray, grid: AnchorGrid
) -> np.ndarray:
    boxes = boxes.astype(np.float32)
    width, height = boxes[:, 2], boxes[:, 3]
    area = width * height
    best = np.zeros(len(boxes), np.float32)
    for (stride_x, stride_y), base in grid.levels:
        for left, top, right, bottom in base:
            inner_x = _best_overlap(
                boxes[:, 0], width, left, right, stride_x,
                image_sizes[:, 1], grid,
            )  # fmt: skip
            inner_y = _best_overlap(
                boxes[:, 1], height, top, bottom, stride_y,
                image_sizes[:, 0], grid,
            )  # fmt: skip
            inner = inner_x * inner_y
            union = area + (right - left) * (bottom - top) - inner
            np.maximum(best, inner / union, out=best)
    return best


def _best_overlap(
    start: np.ndarray,
    length: np.ndarray,
    low: float,
    high: float,
    stride: float,
    image: np.ndarray,
    grid: AnchorGrid,
) -> np.ndarray:
    """Overlap along one axis with the best placed anchor, (N,)."""
    padded = np.ceil(image / grid.pad_divisor) * grid.pad_divisor
    first, last = 0.0, np.ceil(padded / stride) - 1
    if grid.allowed_border >= 0:
        border = grid.allowed_border
        first = max(first, np.ceil((-border - low) / stride))
        last = np.minimum(last, np.ceil((image + border - high) / stride) - 1)
    wanted = np.rint((start + length / 2 - (low + high) / 2) / stride)
    # Where no anchor lies inside at all, last < first.
    place = np.clip(wanted, first, np.maximum(last, first)) * stride
    overlap = np.minimum(start + length, place + high) - np.maximum(
        start, place + low
    )
    return np.where(last >= first, overlap.clip(0), 0).astype(np.float32)
