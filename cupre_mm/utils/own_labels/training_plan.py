"""What a fine-tuning does, worked out from the labelled cells.

Every rule is our choice; the written config says which values came of them.
"""

import math
from dataclasses import dataclass

import numpy as np

from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    AnchorGrid,
    best_ious,
    coverage,
    rank_scales,
)
from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes

# Diameters at the network's input, in pixels, that FPN and the mask head
# of 28 x 28 see well. Within them images are not resampled.
GOOD_DIAMETERS = (24.0, 64.0)
FACTOR_LIMITS = (0.12, 4.0)
# Both sides of the factor, as cells of one image set differ.
JITTER = (0.8, 1.0, 1.25)
ANCHOR_SCALES = (2, 3, 4, 6, 8)
# Another scale must better the two shares together by this much, as the
# pre-trained RPN knows the base model's.
_ANCHOR_GAIN = 0.02
_DIVISOR = 32
# Typical diameters a crop should span at least, so that it holds neighbours.
_DIAMETERS_A_CROP = 6
# (side, batch) by model and device: what fits 4 GiB of main memory and 8 GB
# of a GPU's.
_CROPS = {
    ('mini', 'cpu'): (256, 4),
    ('mini', 'cuda'): (384, 8),
    ('full', 'cpu'): (256, 2),
    ('full', 'cuda'): (512, 2),
}
# (iterations for each root of a cell, least, most) by device.
_BUDGETS = {'cpu': (10, 100, 600), 'cuda': (60, 500, 10000)}
VALIDATIONS = 10
PATIENCE = 4
_LEARNING_RATES = {'mini': 0.0003, 'full': 0.0001}


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of a fine-tuning.

    Attributes:
        size (str): Base model, ``'mini'`` or ``'full'``.
        device (str): ``'cpu'`` or ``'cuda'``.
        classes (tuple[str, ...]): Class names.
        cells (int): Cells that are trained on.
        diameter (float): Their typical diameter in pixels of the images:
            the median of that of a disc of the same area.
        factor (float): Pixels of the network's input to a pixel.
        anchor_scales (tuple[float, ...]): Of the RPN, in strides.
        uncovered (float): Share of cells that no anchor is positive for.
        crop (int): Side of the training crops at the network's input.
        batch_size (int): Crops of an iteration.
        iterations (int): Most iterations.
        val_interval (int): Iterations between validations.
        learning_rate (float): Of AdamW.
        workers (int): Processes that load images.
        bfloat16 (bool): Whether the forward pass is in mixed precision.
    """

    size: str
    device: str
    classes: tuple[str, ...]
    cells: int
    diameter: float
    factor: float
    anchor_scales: tuple[float, ...]
    uncovered: float
    crop: int
    batch_size: int
    iterations: int
    val_interval: int
    learning_rate: float
    workers: int
    bfloat16: bool = False

    @property
    def cell_diameter(self) -> float:
        """Typical diameter at the network's input, in pixels."""
        return round(self.diameter * self.factor, 1)


def make_plan(
    boxes: CocoBoxes,
    grid: AnchorGrid,
    *,
    size: str,
    device: str,
    classes: tuple[str, ...],
    workers: int = 1,
    iterations: int | None = None,
    batch_size: int | None = None,
    bfloat16: bool = False,
) -> TrainingPlan:
    """Work out the numbers.

    Args:
        boxes (CocoBoxes): Cells that are trained on.
        grid (AnchorGrid): Anchors of the base model.
        size (str): ``'mini'`` or ``'full'``.
        device (str): ``'cpu'`` or ``'cuda'``.
        classes (tuple[str, ...]): Class names.
        workers (int): Processes that load images. Defaults to 1.
        iterations (int, optional): Most iterations. Defaults to None: by
            the number of cells.
        batch_size (int, optional): Crops of an iteration. Defaults to None:
            by model and device.
        bfloat16 (bool): Whether to train in mixed precision. Defaults to
            False.

    Returns:
        TrainingPlan: The numbers.
    """
    diameter = float(np.median(diameters_of(boxes)))
    factor = choose_factor(diameter)
    scaled = boxes.boxes * factor
    sizes = boxes.image_sizes[boxes.image_of] * factor
    scales = choose_scales(scaled, sizes, grid)
    changed = grid.with_scales(scales)
    found = coverage(best_ious(scaled, sizes, changed), changed)
    crop, batch = _CROPS[size, device]
    budget = iterations or choose_budget(len(boxes.boxes), device)
    return TrainingPlan(
        size=size,
        device=device,
        classes=classes,
        cells=len(boxes.boxes),
        diameter=round(diameter, 1),
        factor=factor,
        anchor_scales=scales,
        uncovered=found['uncovered'],
        crop=choose_crop(
            diameter * factor, boxes.image_sizes.max() * factor, crop
        ),
        batch_size=batch_size or batch,
        iterations=budget,
        val_interval=max(1, budget // VALIDATIONS),
        learning_rate=_LEARNING_RATES[size],
        workers=workers,
        bfloat16=bfloat16,
    )


def diameters_of(boxes: CocoBoxes) -> np.ndarray:
    """Diameters of discs of the cells' areas.

    Args:
        boxes (CocoBoxes): N cells.

    Returns:
        np.ndarray: Pixels, (N,).
    """
    return np.sqrt(4 / math.pi * boxes.areas)


def choose_factor(diameter: float) -> float:
    """Choose the magnification.

    Args:
        diameter (float): Typical diameter in pixels of the images.

    Returns:
        float: 1 where the diameter is good as it is, else what brings it to
        the nearer end of :data:`GOOD_DIAMETERS`, in two digits, within
        :data:`FACTOR_LIMITS`.
    """
    low, high = GOOD_DIAMETERS
    if low <= diameter <= high:
        return 1.0
    factor = (low if diameter < low else high) / diameter
    return float(f'{min(max(factor, FACTOR_LIMITS[0]), FACTOR_LIMITS[1]):.2g}')


def choose_scales(
    boxes: np.ndarray, sizes: np.ndarray, grid: AnchorGrid
) -> tuple[float, ...]:
    """Choose anchors of as many shapes as the base model's, by the cells.

    Args:
        boxes (np.ndarray): Left, top, width and height at the network's
            input, (N, 4).
        sizes (np.ndarray): Height and width of each one's image there,
            (N, 2).
        grid (AnchorGrid): Anchors of the base model.

    Returns:
        tuple[float, ...]: Scales in strides: the base model's, unless others
        leave clearly fewer cells uncovered or below an IoU of 0.5.
    """
    base = [float(scale) for scale in grid.generator.get('scales') or ()]
    if len(base) != 1:
        # With another number of anchors the RPN's weights would not load.
        return tuple(base)
    rows = rank_scales(
        boxes,
        sizes,
        grid,
        [base, *([float(s)] for s in ANCHOR_SCALES if s != base[0])],
    )
    missed = {
        row['scales'][0]: row['uncovered'] + row['below_0.5'] for row in rows
    }
    best = rows[0]['scales'][0]
    gain = missed[base[0]] - missed[best]
    return (best if gain >= _ANCHOR_GAIN else base[0],)


def choose_crop(diameter: float, largest_side: float, limit: int) -> int:
    """Choose the side of the training crops.

    Args:
        diameter (float): Typical diameter at the network's input.
        largest_side (float): Largest side of an image there.
        limit (int): What memory allows.

    Returns:
        int: A multiple of 32: the limit, or less where no image is as large;
        more where the limit would not span six typical cells.
    """
    wanted = max(limit, _DIAMETERS_A_CROP * diameter)
    return max(1, math.ceil(min(wanted, largest_side) / _DIVISOR)) * _DIVISOR


def choose_budget(cells: int, device: str) -> int:
    """Choose the most iterations.

    Args:
        cells (int): Cells that are trained on.
        device (str): ``'cpu'`` or ``'cuda'``.

    Returns:
        int: A multiple of 50 that grows with the root of the cells, as more
        of them are more alike.
    """
    rate, least, most = _BUDGETS[device]
    return min(max(round(rate * math.sqrt(cells) / 50) * 50, least), most)
