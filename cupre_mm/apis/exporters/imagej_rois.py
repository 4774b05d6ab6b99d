"""Regions of interest for ImageJ's ROI manager."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from roifile import ROI_TYPE, ImagejRoi

from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.mask_outlines import Outline, outlines_of
from cupre_mm.utils.streamed_write import written_whole

# ImageJ stores the bounds of a region in 16 bits, with a sign.
_LARGEST_SIDE = 2**15 - 1
_MOVE, _LINE, _CLOSE = 0, 1, 4


def to_roi(mask: CroppedMask, name: str) -> ImagejRoi:
    """Make a region of a mask.

    A cell of one piece without holes is a polygon. Any other is one
    composite region with all its rings, which ImageJ fills by the even-odd
    rule: pieces are in it, holes are not. Either gives the mask back, pixel
    by pixel.

    Args:
        mask (CroppedMask): The mask.
        name (str): What the ROI manager lists.

    Returns:
        ImagejRoi: The region.
    """
    outlines = outlines_of(mask)
    roi = ImagejRoi(
        name=name,
        top=mask.top,
        left=mask.left,
        bottom=mask.bottom,
        right=mask.right,
    )
    if len(outlines) == 1 and not outlines[0].holes:
        corners = outlines[0].exterior - (mask.left, mask.top)
        roi.roitype = ROI_TYPE.POLYGON
        roi.n_coordinates = len(corners)
        roi.integer_coordinates = corners.astype(np.int32)
        return roi
    roi.roitype = ROI_TYPE.RECT
    roi.multi_coordinates = _path(outlines)
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def write_rois(
    segmentation: Segmentation, path: Path, *, source: SourceInfo
) -> Path:
    """Write the cells as an ImageJ ROI zip.

    Regions are named by the cells' values in the label image, with zeros in
    front so that the ROI manager sorts them. See :func:`to_roi`.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.zip``.
        source (SourceInfo): The image they are of.

    Returns:
        Path: The file.

    Raises:
        BadDataError: If the image is larger than ImageJ's regions can be.
    """
    if max(segmentation.shape) > _LARGEST_SIDE:
        raise BadDataError(
            f'{source.name} is {segmentation.shape} px (height, width): '
            f"ImageJ's regions end at {_LARGEST_SIDE} px; choose label, "
            'coco or geojson instead of rois for it'
        )
    digits = max(4, len(str(len(segmentation))))
    with (
        written_whole(path) as part,
        zipfile.ZipFile(part, 'w', zipfile.ZIP_DEFLATED) as archive,
    ):
        for number, mask in enumerate(segmentation.masks, start=1):
            name = f'{number:0{digits}d}'
            # A time of its own would make equal runs differ.
            entry = zipfile.ZipInfo(f'{name}.roi')
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, to_roi(mask, name).tobytes())
    return path


def _path(outlines: list[Outline]) -> np.ndarray:
    """Java's path segments: a code and a point each."""
    parts = []
    for outline in outlines:
        for ring in (outline.exterior, *outline.holes):
            steps = np.full((len(ring), 3), _LINE, np.float32)
            steps[0, 0] = _MOVE
            steps[:, 1:] = ring
            parts += [steps.reshape(-1), np.array([_CLOSE], np.float32)]
    return np.concatenate(parts)
