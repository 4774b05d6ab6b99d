"""Tables with one row for each cell."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from cupre_mm.apis.cell_measurements import measure_cells, measurement_columns
from cupre_mm.apis.exporters.class_names import class_names
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.streamed_write import written_whole

_DIGITS = 6


def write_table(
    segmentation: Segmentation, path: Path, *, source: SourceInfo
) -> Path:
    """Write the measurements of the cells as CSV.

    In UTF-8 with commas, one row a cell in the order of their labels. The
    columns:

    =====================  ================================================
    image                  Name of the image.
    label                  The cell's value in the label image, from 1.
    class, score           What the detector says.
    left, top, right,      The box around the cell's pixels; right and
    bottom                 bottom are behind the last ones.
    touches_border         1 if the cell reaches the image's border, else 0.
    area_px                Pixels.
    centroid_x_px, ..._y   Mean place of the pixels; (0, 0) is the centre
                           of the image's first pixel.
    perimeter_px           Of skimage.measure.perimeter, 4-neighbourhood.
    equivalent_            Of a circle of that area.
    diameter_px
    major_axis_px,         Of the ellipse with the same second moments.
    minor_axis_px
    eccentricity           Of that ellipse: 0 for a circle, near 1 for a
                           line.
    solidity               Share of the convex hull that is in the cell.
    ..._um, area_um2       The same in µm, where the pixel size is known.
    intensity_mean, _min,  Of the image's values as they are stored; with
    _max                   ``_red`` and so on where there are channels. A
                           gray image stored as RGB, its three channels
                           equal in every pixel, counts as gray.
    =====================  ================================================

    What is not known is left empty: all of ``_um`` without a pixel size,
    ``perimeter_um`` where pixels are not square, the intensities where the
    image is not at hand or a cell has a value that is no number.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.csv``.
        source (SourceInfo): The image they are of.

    Returns:
        Path: The file.
    """
    names = class_names(segmentation)
    height, width = segmentation.shape
    columns = [
        *('image', 'label', 'class', 'score'),
        *('left', 'top', 'right', 'bottom', 'touches_border'),
        *measurement_columns(source.intensity_channels),
    ]
    measured = measure_cells(segmentation, source)
    with (
        written_whole(path) as part,
        part.open('w', encoding='utf-8', newline='') as file,
    ):
        table = csv.DictWriter(file, columns, lineterminator='\n')
        table.writeheader()
        for i, mask in enumerate(segmentation.masks):
            box = {
                'left': mask.left,
                'top': mask.top,
                'right': mask.right,
                'bottom': mask.bottom,
            }
            at_border = (
                min(mask.left, mask.top) == 0
                or mask.right == width
                or mask.bottom == height
            )
            row = {
                'image': source.name,
                'label': i + 1,
                'class': names[segmentation.labels[i]],
                'score': float(segmentation.scores[i]),
                **box,
                'touches_border': int(at_border),
                **measured[i],
            }
            table.writerow({k: _text(value) for k, value in row.items()})
    return path


def _text(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return ''
    # Enough to tell neighbouring values of 16 bits apart, and no more.
    return f'{value:.{_DIGITS}f}'.rstrip('0').rstrip('.')
