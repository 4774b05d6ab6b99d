"""Transforms for cell images: numpy (H, W, C), BGR, as mmcv's."""

from cupre_mm.datasets.transforms.cell_color_jitter import CellColorJitter
from cupre_mm.datasets.transforms.load_cell_annotations import (
    LoadCellAnnotations,
)
from cupre_mm.datasets.transforms.load_cell_image import LoadCellImage
from cupre_mm.datasets.transforms.percentile_normalize import (
    PercentileNormalize,
)
from cupre_mm.datasets.transforms.random_cell_crop import RandomCellCrop

__all__ = [
    'CellColorJitter',
    'LoadCellAnnotations',
    'LoadCellImage',
    'PercentileNormalize',
    'RandomCellCrop',
]
