"""Writing the cells of an image in the formats of the field.

Each writer takes a segmentation, the file to write and, by name, the source
of the image. It writes beside the file and renames at the end: what has the
name is whole.
"""

from collections.abc import Callable
from pathlib import Path

from .coco_file import CocoFile, write_coco
from .geojson import write_geojson
from .imagej_rois import write_rois
from .label_image import write_label_image
from .montage import MontageEntry, write_montage
from .overlay import draw_overlay, write_overlay
from .table import write_table

__all__ = [
    'EXPORTERS',
    'CocoFile',
    'MontageEntry',
    'draw_overlay',
    'write_coco',
    'write_geojson',
    'write_label_image',
    'write_montage',
    'write_overlay',
    'write_rois',
    'write_table',
]

# The extension of each format's files, and what writes them.
EXPORTERS: dict[str, tuple[str, Callable[..., Path]]] = {
    'label': ('.tif', write_label_image),
    'csv': ('.csv', write_table),
    'overlay': ('.png', write_overlay),
    'coco': ('.json', write_coco),
    'rois': ('.zip', write_rois),
    'geojson': ('.geojson', write_geojson),
}
