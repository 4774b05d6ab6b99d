"""Data sets, samplers, loaders and transforms of cupre_mm."""

from cupre_mm.datasets import transforms
from cupre_mm.datasets.bbbc038 import BBBC038Dataset
from cupre_mm.datasets.cell_images import CellImages
from cupre_mm.datasets.checked_coco import CheckedCocoDataset
from cupre_mm.datasets.dual_dataloader import DualDataLoader
from cupre_mm.datasets.livecell import LIVECellDataset
from cupre_mm.datasets.seeded_stream import SeededDataset, SeededSampler
from cupre_mm.datasets.source_sampler import SourceSampler
from cupre_mm.utils.sampler_skip import add_skip

add_skip()

__all__ = [
    'BBBC038Dataset',
    'CellImages',
    'CheckedCocoDataset',
    'DualDataLoader',
    'LIVECellDataset',
    'SeededDataset',
    'SeededSampler',
    'SourceSampler',
    'transforms',
]
