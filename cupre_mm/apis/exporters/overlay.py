"""Pictures of the outlines of cells on their image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from PIL import Image

from cupre_mm.apis.exporters.outline_colours import ON_BRIGHT, ON_DARK
from cupre_mm.apis.image_source import ImageSource
from cupre_mm.apis.label_strips import label_strips
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.intensity_scale import scale_between
from cupre_mm.utils.microscopy_io import to_three_channels
from cupre_mm.utils.streamed_write import written_whole

MAX_SIDE = 4096

_LOW, _HIGH = 0.1, 99.9
_STRIP_PIXELS = 2**22
_MIDDLE_GRAY = 127


def draw_overlay(
    segmentation: Segmentation, source: SourceInfo, max_side: int = MAX_SIDE
) -> tuple[np.ndarray, int]:
    """Draw the outlines of the cells on their image.

    The image is stretched between its percentiles 0.1 and 99.9. Outlines are
    the outermost pixels of each cell, in three colours that are told apart
    with any colour vision, bright ones on a dark image and dark ones on a
    bright one.

    Args:
        segmentation (Segmentation): The cells.
        source (SourceInfo): The image they are of.
        max_side (int): Longest side of the picture. A larger image is shown
            reduced by the least whole factor that makes it fit: the mean of
            each square of pixels, and the cell at its centre. Defaults to
            4096.

    Returns:
        tuple[np.ndarray, int]: The picture, (H, W, 3), uint8, in the order
        R, G, B, and the factor; 1 for full size.

    Raises:
        BadDataError: If the image cannot be read, or has another size.
    """
    if not source.has_pixels:
        raise BadDataError(
            f'{source.name}: an overlay needs the image, and the source is '
            'given without: use read_source_info or array_source_info'
        )
    factor = max(1, -(-max(segmentation.shape) // max_side))
    with source.open_image() as image:
        if image.shape != segmentation.shape:
            raise BadDataError(
                f'{source.name} is {image.shape} px (height, width), its '
                f'cells are of an image of {segmentation.shape}'
            )
        picture = _reduced_image(image, factor)
    labels = _reduced_labels(segmentation, factor)
    edge = _edges(labels)
    palette = ON_DARK if np.median(picture) <= _MIDDLE_GRAY else ON_BRIGHT
    colours = np.array(palette, np.uint8)
    picture[edge] = colours[labels[edge] % len(colours)]
    return picture, factor


def write_overlay(
    segmentation: Segmentation,
    path: Path,
    *,
    source: SourceInfo,
    max_side: int = MAX_SIDE,
) -> Path:
    """Write :func:`draw_overlay` as a PNG.

    The log tells if the picture is smaller than the image.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.png``.
        source (SourceInfo): The image they are of.
        max_side (int): See :func:`draw_overlay`. Defaults to 4096.

    Returns:
        Path: The file.

    Raises:
        BadDataError: See :func:`draw_overlay`.
    """
    picture, factor = draw_overlay(segmentation, source, max_side)
    if factor > 1:
        height, width = segmentation.shape
        print_log(
            f'{path.name}: the overlay shows {width} x {height} px reduced '
            f'by {factor} to {picture.shape[1]} x {picture.shape[0]} px',
            logger='current',
        )
    with written_whole(path) as part:
        Image.fromarray(picture).save(part, format='PNG')
    return path


def _reduced_image(image: ImageSource, factor: int) -> np.ndarray:
    limits = image.limits(_LOW, _HIGH)
    height, width = image.shape
    rows = factor * max(1, _STRIP_PIXELS // (width * factor))
    strips = []
    for start in range(0, height, rows):
        strip = image.rows(start, min(start + rows, height))
        strip = scale_between(strip, limits, bits=8)
        strips.append(to_three_channels(_block_means(strip, factor)))
    return np.concatenate(strips)


def _block_means(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image
    total = image.astype(np.float32)
    for axis in (0, 1):
        starts = np.arange(0, image.shape[axis], factor)
        # The last block may have fewer pixels.
        sizes = np.diff(starts, append=image.shape[axis])
        sizes = sizes.reshape(-1, *(1,) * (image.ndim - 1 - axis))
        total = np.add.reduceat(total, starts, axis=axis) / sizes
    return np.rint(total).astype(np.uint8)


def _reduced_labels(segmentation: Segmentation, factor: int) -> np.ndarray:
    width = segmentation.shape[1]
    rows = factor * max(1, _STRIP_PIXELS // (width * factor))
    return np.concatenate(
        [
            strip[_centres(strip.shape[0], factor)][
                :, _centres(strip.shape[1], factor)
            ]
            for strip in label_strips(segmentation, rows)
        ]
    )


def _centres(length: int, factor: int) -> np.ndarray:
    places = np.arange(0, length, factor) + factor // 2
    return np.minimum(places, length - 1)


def _edges(labels: np.ndarray) -> np.ndarray:
    """Pixels of cells with a neighbour that is not in the same cell."""
    edge = np.zeros(labels.shape, bool)
    for near, far in (
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        differ = labels[near] != labels[far]
        edge[near] |= differ
        edge[far] |= differ
    return edge & (labels > 0)
