"""Segmenting images from Python and from the command line.

What needs the network's libraries is imported when it is asked for: they
take seconds, and a command line with a mistake in it should be told at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cell_segmenter import CellSegmenter
    from .segmentation import Segmentation
    from .segmentation_options import SegmentationOptions

__all__ = ['CellSegmenter', 'Segmentation', 'SegmentationOptions']

_MODULES = {
    'CellSegmenter': 'cell_segmenter',
    'Segmentation': 'segmentation',
    'SegmentationOptions': 'segmentation_options',
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
