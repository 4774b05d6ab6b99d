"""Detections for QuPath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.apis.exporters.class_names import class_names
from cupre_mm.apis.exporters.outline_colours import COLOURS
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.mask_outlines import outlines_of
from cupre_mm.utils.streamed_write import written_whole


def to_geometry(mask: CroppedMask) -> dict[str, Any]:
    """Make a GeoJSON geometry of a mask.

    Args:
        mask (CroppedMask): The mask.

    Returns:
        dict: A ``Polygon``, or a ``MultiPolygon`` where the cell has several
        pieces, in pixels from the image's upper left corner, along the edges
        of pixels. The first ring of a polygon is its outside, others are
        holes; all are closed.
    """
    polygons = [
        [_closed(ring) for ring in (one.exterior, *one.holes)]
        for one in outlines_of(mask)
    ]
    if len(polygons) == 1:
        return {'type': 'Polygon', 'coordinates': polygons[0]}
    return {'type': 'MultiPolygon', 'coordinates': polygons}


def write_geojson(
    segmentation: Segmentation, path: Path, *, source: SourceInfo
) -> Path:
    """Write the cells as a FeatureCollection of QuPath detections.

    Each has the class of the cell as its classification, and as
    measurements ``label`` (value in the label image), ``score``, ``area_px``
    and, where the pixel size is known, ``area_um2``.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.geojson``.
        source (SourceInfo): The image they are of.

    Returns:
        Path: The file.
    """
    names = class_names(segmentation)
    with (
        written_whole(path) as part,
        part.open('w', encoding='utf-8') as file,
    ):
        file.write('{"type":"FeatureCollection","features":[')
        for i in range(len(segmentation)):
            file.write(',\n' if i else '\n')
            feature = _feature(segmentation, i, names, source)
            text = json.dumps(
                feature, ensure_ascii=False, separators=(',', ':')
            )
            file.write(text)
        file.write('\n]}\n')
    return path


def _feature(
    segmentation: Segmentation,
    i: int,
    names: tuple[str, ...],
    source: SourceInfo,
) -> dict[str, Any]:
    mask, label = segmentation.masks[i], int(segmentation.labels[i])
    area = mask.area
    measurements = {
        'label': i + 1,
        'score': round(float(segmentation.scores[i]), 6),
        'area_px': area,
    }
    if source.pixel_size is not None:
        height, width = source.pixel_size
        measurements['area_um2'] = area * height * width
    return {
        'type': 'Feature',
        'geometry': to_geometry(mask),
        'properties': {
            'objectType': 'detection',
            'name': str(i + 1),
            'classification': {
                'name': names[label],
                'color': list(COLOURS[label % len(COLOURS)]),
            },
            'measurements': measurements,
        },
    }


def _closed(ring: np.ndarray) -> list[list[int]]:
    points = ring.tolist()
    return points + points[:1]
