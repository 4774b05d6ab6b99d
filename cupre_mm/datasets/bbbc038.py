"""BBBC038: the nuclei of the 2018 Data Science Bowl."""

from cupre_mm.datasets.checked_coco import CheckedCocoDataset
from cupre_mm.registry import DATASETS


@DATASETS.register_module()
class BBBC038Dataset(CheckedCocoDataset):
    """BBBC038 stage1_train, converted to COCO json with one class.

    Source: Caicedo et al., "Nucleus segmentation across imaging experiments:
    the 2018 Data Science Bowl", Nature Methods 16 (2019),
    https://bbbc.broadinstitute.org/BBBC038.
    """

    METAINFO = dict(classes=('nucleus',), palette=[(220, 20, 60)])
    HOW_TO_GET = (
        'Make it with "python tools/dataset_converters/bbbc038.py SRC '
        'data/bbbc038", SRC being stage1_train as a zip or folder, then '
        '"python tools/dataset_converters/make_splits.py '
        'data/bbbc038/annotations/instances.json '
        'data/bbbc038/annotations/seed0 --seed 0"; data/README.md says where '
        'to download it.'
    )
