"""LIVECell: label-free cell instances in phase contrast."""

from cupre_mm.datasets.checked_coco import CheckedCocoDataset
from cupre_mm.registry import DATASETS


@DATASETS.register_module()
class LIVECellDataset(CheckedCocoDataset):
    """LIVECell with its official COCO json files and one class.

    Source: Edlund et al., "LIVECell: A large-scale dataset for label-free
    live cell segmentation", Nature Methods 18 (2021),
    https://sartorius-research.github.io/LIVECell.
    """

    METAINFO = dict(classes=('cell',), palette=[(0, 130, 200)])
    HOW_TO_GET = (
        'data/README.md says where to download LIVECell and what goes where '
        'under data/livecell; its training splits are made by "python '
        'tools/dataset_converters/make_splits.py '
        'data/livecell/annotations/livecell_coco_train.json '
        'data/livecell/annotations/seed0 --seed 0 --test-fraction 0".'
    )
