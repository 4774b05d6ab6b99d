"""Shape and brightness of cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
from skimage.measure import regionprops

from cupre_mm.apis.image_source import ImageSource
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError

# Rows of the image in memory at once, in pixels.
_BAND_PIXELS = 2**24
# Heights and widths of pixels that differ by less are written down rounded.
_SQUARE = 1e-3
_LENGTHS = ('perimeter', 'equivalent_diameter', 'major_axis', 'minor_axis')
_STATISTICS = ('mean', 'min', 'max')


def measurement_columns(channels: tuple[str, ...]) -> list[str]:
    """Name what is measured.

    Args:
        channels (tuple[str, ...]): Names of what is measured, see
            :attr:`.SourceInfo.intensity_channels`; ``''`` for the one of a
            gray image.

    Returns:
        list[str]: The keys of :func:`measure_cells`, in the order of a
        table.
    """
    places = ['centroid_x', 'centroid_y']
    return [
        'area_px',
        *(f'{name}_px' for name in (*places, *_LENGTHS)),
        *('eccentricity', 'solidity', 'area_um2'),
        *(f'{name}_um' for name in (*places, *_LENGTHS)),
        *(_intensity(s, c) for c in channels for s in _STATISTICS),
    ]


def measure_cells(
    segmentation: Segmentation, source: SourceInfo
) -> list[dict[str, float | int]]:
    """Measure cells with skimage.measure.regionprops.

    The image is read in bands of rows: it need not fit into memory.

    Args:
        segmentation (Segmentation): The cells.
        source (SourceInfo): The image they are of.

    Returns:
        list[dict]: For each cell the values of :func:`measurement_columns`;
        without those in µm where the pixel size is not known, without
        ``perimeter_um`` where pixels are not square, and without intensities
        where the source has no pixels.

    Raises:
        BadDataError: If the image cannot be read, or has another size.
    """
    measured: list[dict[str, float | int]] = [{} for _ in segmentation.masks]
    with ExitStack() as stack:
        image = None
        if source.has_pixels and len(segmentation):
            image = stack.enter_context(source.open_image())
            if image.shape != segmentation.shape:
                raise BadDataError(
                    f'{source.name} is {image.shape} px (height, width), its '
                    f'cells are of an image of {segmentation.shape}'
                )
        for i, crop in _with_pixels(segmentation, image):
            measured[i] = measure_shape(
                segmentation.masks[i], source.pixel_size
            )
            if crop is not None:
                measured[i] |= _brightness(
                    crop[segmentation.masks[i].pixels],
                    source.intensity_channels,
                )
    return measured


def measure_shape(
    mask: CroppedMask, pixel_size: tuple[float, float] | None
) -> dict[str, float | int]:
    """Measure the shape of a cell.

    Args:
        mask (CroppedMask): Its mask.
        pixel_size (tuple[float, float], optional): Height and width of a
            pixel in µm; None where it is not known.

    Returns:
        dict: What does not depend on the image, of
        :func:`measurement_columns`.
    """
    values = {
        **_shape(mask, (1.0, 1.0), 'px'),
        'area_px': mask.area,
    }
    if pixel_size is None:
        return values
    height, width = pixel_size
    if math.isclose(height, width, rel_tol=_SQUARE):
        side = math.sqrt(height * width)
        for name in ('centroid_x', 'centroid_y', *_LENGTHS):
            values[f'{name}_um'] = values[f'{name}_px'] * side
    else:
        of_ellipse = _shape(mask, pixel_size, 'um')
        del of_ellipse['eccentricity']
        values |= of_ellipse
    values['area_um2'] = mask.area * height * width
    return values


def _shape(
    mask: CroppedMask, spacing: tuple[float, float], unit: str
) -> dict[str, float | int]:
    (region,) = regionprops(mask.pixels.astype(np.uint8), spacing=spacing)
    row, column = region.centroid
    values = {
        f'centroid_x_{unit}': column + mask.left * spacing[1],
        f'centroid_y_{unit}': row + mask.top * spacing[0],
        f'equivalent_diameter_{unit}': region.equivalent_diameter_area,
        f'major_axis_{unit}': region.axis_major_length,
        f'minor_axis_{unit}': region.axis_minor_length,
        'eccentricity': region.eccentricity,
    }
    # skimage measures perimeters of square pixels only.
    if unit == 'px':
        values['perimeter_px'] = region.perimeter
        # Nor has a line of pixels a hull, in some versions.
        hull = mask.area if 1 in mask.pixels.shape else region.area_convex
        values['solidity'] = mask.area / max(hull, mask.area)
    return {name: float(value) for name, value in values.items()}


def _brightness(
    values: np.ndarray, channels: tuple[str, ...]
) -> dict[str, float]:
    """Of the pixels of a cell, (P,) or (P, C)."""
    values = values.reshape(len(values), -1)
    numbers = (
        values.mean(axis=0, dtype=np.float64),
        values.min(axis=0),
        values.max(axis=0),
    )
    return {
        _intensity(statistic, channel): float(number[c])
        for c, channel in enumerate(channels)
        for statistic, number in zip(_STATISTICS, numbers)
    }


def _intensity(statistic: str, channel: str) -> str:
    return f'intensity_{statistic}' + (f'_{channel}' if channel else '')


def _with_pixels(
    segmentation: Segmentation, image: ImageSource | None
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Each cell with what the image shows in its box, from top to bottom."""
    masks = segmentation.masks
    if image is None:
        yield from ((i, None) for i in range(len(masks)))
        return
    order = sorted(range(len(masks)), key=lambda i: masks[i].top)
    tallest = max(1, _BAND_PIXELS // segmentation.shape[1])
    done = 0
    while done < len(order):
        start = masks[order[done]].top
        # A cell may be taller than a band; it then has one of its own.
        stop = max(start + tallest, masks[order[done]].bottom)
        stop = min(stop, segmentation.shape[0])
        band: list[int] = []
        while done < len(order) and masks[order[done]].bottom <= stop:
            band.append(order[done])
            done += 1
        rows = image.rows(start, max(masks[i].bottom for i in band))
        for i in band:
            inside = masks[i].moved(-start, 0).place
            yield i, rows[inside]
