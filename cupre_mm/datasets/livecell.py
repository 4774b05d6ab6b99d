"""LIVECell: label-free cell instances in phase contrast."""

from collections.abc import Mapping
from typing import Any

from cupre_mm.datasets.checked_coco import CheckedCocoDataset
from cupre_mm.registry import DATASETS
from cupre_mm.utils.livecell.cell_types import CELL_TYPES


@DATASETS.register_module()
class LIVECellDataset(CheckedCocoDataset):
    """LIVECell as its converter writes it, with one class or eight.

    The option has to be that of the converter: ``--classes cell_type`` goes
    with ``by_cell_type=True`` here and ``num_classes=8`` in the model's heads.

    Source: Edlund et al., "LIVECell: A large-scale dataset for label-free
    live cell segmentation", Nature Methods 18 (2021),
    https://sartorius-research.github.io/LIVECell.

    Args:
        *args: Of :class:`CheckedCocoDataset`.
        by_cell_type (bool): Whether the classes are the eight
            :attr:`CELL_TYPES` in place of the one class ``'cell'``.
            Defaults to False.
        metainfo (Mapping, optional): Goes before the classes and colours
            that ``by_cell_type`` stands for. Defaults to None.
        **kwargs: Of :class:`CheckedCocoDataset`.
    """

    METAINFO = dict(classes=('cell',), palette=[(0, 130, 200)])
    CELL_TYPES = CELL_TYPES
    CELL_TYPE_PALETTE = [
        (0, 130, 200),
        (230, 25, 75),
        (60, 180, 75),
        (245, 130, 48),
        (145, 30, 180),
        (70, 240, 240),
        (255, 225, 25),
        (170, 110, 40),
    ]
    HOW_TO_GET = (
        'Make it with "python tools/dataset_converters/livecell.py SRC '
        'data/livecell", SRC being the folder that LIVECell was downloaded '
        'to, with --classes cell_type for by_cell_type=True; data/README.md '
        'says which files to download.'
    )

    def __init__(
        self,
        *args: Any,
        by_cell_type: bool = False,
        metainfo: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if by_cell_type:
            metainfo = {
                'classes': self.CELL_TYPES,
                'palette': self.CELL_TYPE_PALETTE,
                **(metainfo or {}),
            }
        super().__init__(*args, metainfo=metainfo, **kwargs)
