"""Few-shot splits of a COCO annotation file: nested, seeded, stratified."""

from .split_files import MANIFEST, STRATA, write_seeds, write_splits
from .split_images import ImageTraits, split_file_names
from .split_recipe import SplitRecipe, shots_name, split_name

__all__ = [
    'MANIFEST',
    'STRATA',
    'ImageTraits',
    'SplitRecipe',
    'shots_name',
    'split_file_names',
    'split_name',
    'write_seeds',
    'write_splits',
]
