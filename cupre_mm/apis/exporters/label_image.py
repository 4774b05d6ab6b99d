"""Label images as TIFF files."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cupre_mm.apis.label_strips import label_strips
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.streamed_write import written_whole

# Of a strip in memory. TIFF readers decode strips as a whole.
_STRIP_BYTES = 2**20
# ImageJ reads no BigTIFF; below this there is room for what describes it.
_LARGEST_CLASSIC = 2**32 - 2**25


def write_label_image(
    segmentation: Segmentation,
    path: Path,
    *,
    source: SourceInfo,
    compress: bool = False,
) -> Path:
    """Write an image whose pixels have the numbers of their cells.

    0 is background, i + 1 the i-th cell. Up to 65,535 cells are written as
    an ImageJ TIFF of type uint16, with the pixel size in µm. More of them
    need uint32, which ImageJ has no image type for: the file is a plain TIFF
    then, with the pixel size in the resolution tags. QuPath, napari, Python
    and Bio-Formats read its whole numbers; ImageJ opens it with 32-bit float
    values, exact up to 2^24 = 16,777,216 cells. Files above 4 GB are plain,
    too, as BigTIFF, which ImageJ opens with Bio-Formats.

    Painted strip by strip, never held as a whole.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.tif``.
        source (SourceInfo): The image they are of.
        compress (bool): Whether strips are compressed by zlib, without
            loss; ImageJ reads them. Defaults to False.

    Returns:
        Path: The file.
    """
    height, width = segmentation.shape
    dtype = np.dtype(segmentation.label_dtype)
    rows = max(1, _STRIP_BYTES // (width * dtype.itemsize))
    size = height * width * dtype.itemsize
    is_imagej = dtype == np.uint16 and size < _LARGEST_CLASSIC
    form = _imagej_form(source) if is_imagej else _plain_form(source)
    with (
        written_whole(path) as part,
        tifffile.TiffWriter(
            part,
            bigtiff=size >= _LARGEST_CLASSIC,
            imagej=is_imagej,
            byteorder='<',
        ) as tiff,
    ):
        tiff.write(
            _strips(segmentation, rows, compress),
            shape=segmentation.shape,
            dtype=dtype,
            photometric='minisblack',
            compression='zlib' if compress else None,
            rowsperstrip=rows if compress else None,
            **form,
        )
    return path


def _strips(
    segmentation: Segmentation, rows: int, compress: bool
) -> Iterator[bytes]:
    for strip in label_strips(segmentation, rows):
        data = strip.astype(strip.dtype.newbyteorder('<')).tobytes()
        yield zlib.compress(data) if compress else data


def _imagej_form(source: SourceInfo) -> dict[str, Any]:
    metadata = {'axes': 'YX', 'Info': _origin(source)}
    if source.pixel_size is None:
        return {'metadata': metadata}
    height, width = source.pixel_size
    return {
        'metadata': {**metadata, 'unit': 'micron'},
        'resolution': (1 / width, 1 / height),
    }


def _plain_form(source: SourceInfo) -> dict[str, Any]:
    form = {'metadata': {'axes': 'YX', 'Info': _origin(source)}}
    if source.pixel_size is not None:
        height, width = source.pixel_size
        form['resolution'] = (1e4 / width, 1e4 / height)
        form['resolutionunit'] = 'CENTIMETER'
    return form


def _origin(source: SourceInfo) -> str:
    text = f'Cells of {source.name}; axes of that file: {source.axes}'
    planned = source.planned
    if planned is None or source.axes in ('YX', 'YXS'):
        return f'{text}; series={source.series}' if source.series else text
    return (
        f'{text}; t={planned.t}, z={planned.z}, page={planned.page}, '
        f'channels={list(planned.channels)}, series={source.series}'
    )
