"""The pixels of one TIFF page: some rows of it, and what they mean."""

import math

import numpy as np
import tifffile

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_limits import check_pixels

_COLOUR = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
# Their values are no intensities of red, green and blue.
_OTHER_COLOURS = (
    tifffile.PHOTOMETRIC.SEPARATED,
    tifffile.PHOTOMETRIC.CIELAB,
    tifffile.PHOTOMETRIC.ICCLAB,
    tifffile.PHOTOMETRIC.ITULAB,
)
_ALPHA = (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA)
_JPEG_COMPRESSIONS = (
    tifffile.COMPRESSION.OJPEG,
    tifffile.COMPRESSION.JPEG,
    tifffile.COMPRESSION.JPEG_LOSSY,
    tifffile.COMPRESSION.ALT_JPEG,
)


def is_readable_by_rows(keyframe: tifffile.TiffPage) -> bool:
    """Whether rows of a page can be had without decoding all of it.

    Args:
        keyframe (tifffile.TiffPage): The page.

    Returns:
        bool: No for volumes and for pages of one strip or tile, unless
        their values lie uncompressed in the file.
    """
    if keyframe.imagedepth != 1:
        return False
    return keyframe.is_final or _segment_rows(keyframe) < keyframe.imagelength


def read_rows(
    page: tifffile.TiffPage | tifffile.TiffFrame,
    start: int,
    stop: int,
    offset: int | None = None,
) -> np.ndarray:
    """Read rows of a page, decoding only the strips or tiles they touch.

    Args:
        page (tifffile.TiffPage | tifffile.TiffFrame): The page.
        start (int): First row.
        stop (int): Row after the last one.
        offset (int, optional): Where the uncompressed values begin in the
            file, for a plane that has no page of its own. Defaults to None:
            where the page says.

    Returns:
        np.ndarray: (samples, rows, width), or (rows, width, samples) where
        the samples of a pixel lie together.
    """
    keyframe = page.keyframe
    separate, _, _, width, together = keyframe.shaped
    check_pixels((separate, stop - start, width, together))
    if keyframe.is_final:
        mapped = keyframe.parent.filehandle.memmap_array(
            keyframe.parent.byteorder + keyframe.dtype.char,
            keyframe.shaped,
            page.dataoffsets[0] if offset is None else offset,
        )
        rows = np.array(mapped[:, 0, start:stop])
        rows = rows.astype(keyframe.dtype, copy=False)
    else:
        check_pixels(keyframe.chunks)
        rows = np.empty(
            (separate, stop - start, width, together), keyframe.dtype
        )
        _decode_rows(page, start, rows)
    return rows[..., 0] if separate > 1 else rows[0]


def _segment_rows(keyframe: tifffile.TiffPage) -> int:
    if keyframe.is_tiled:
        return keyframe.tilelength
    return min(keyframe.rowsperstrip, keyframe.imagelength)


def _decode_rows(
    page: tifffile.TiffPage | tifffile.TiffFrame, start: int, rows: np.ndarray
) -> None:
    keyframe = page.keyframe
    stop, height = start + rows.shape[1], _segment_rows(keyframe)
    across = (
        math.ceil(keyframe.imagewidth / keyframe.tilewidth)
        if keyframe.is_tiled
        else 1
    )
    down = math.ceil(keyframe.imagelength / height)
    wanted = [
        (sample * down + row) * across + column
        for sample in range(rows.shape[0])
        for row in range(start // height, math.ceil(stop / height))
        for column in range(across)
    ]
    tables = {}
    if keyframe.compression in _JPEG_COMPRESSIONS:
        tables = {
            'jpegtables': page.jpegtables,
            'jpegheader': keyframe.jpegheader,
        }
    for data, index in keyframe.parent.filehandle.read_segments(
        [page.dataoffsets[i] for i in wanted],
        [page.databytecounts[i] for i in wanted],
        indices=wanted,
    ):
        segment, (sample, _, top, left, _), shape = keyframe.decode(
            data, index, **tables
        )
        low, high = max(top, start), min(top + shape[1], stop)
        target = rows[
            sample, low - start : high - start, left : left + shape[2]
        ]
        target[...] = (
            keyframe.nodata
            if segment is None
            else segment[0, low - top : high - top, : target.shape[1]]
        )


def check_page_is_whole(
    page: tifffile.TiffPage | tifffile.TiffFrame, file_size: int
) -> None:
    """Refuse a page whose values lie behind the end of the file.

    Args:
        page (tifffile.TiffPage | tifffile.TiffFrame): The page.
        file_size (int): In bytes.

    Raises:
        BadDataError: If the page is cut short or has no values at all.
    """
    ends = [
        offset + count
        for offset, count in zip(page.dataoffsets, page.databytecounts)
        if count
    ]
    if not ends:
        raise BadDataError('a page without any pixel values')
    if max(ends) > file_size:
        raise BadDataError(
            f'cut short: its pixel values end at byte {max(ends)}, the file '
            f'at {file_size}'
        )


def is_colour(keyframe: tifffile.TiffPage) -> bool:
    """Whether the samples of a pixel are red, green and blue (and alpha).

    Args:
        keyframe (tifffile.TiffPage): The page.

    Returns:
        bool: No for gray pages and for pages of several dyes.

    Raises:
        BadDataError: If the colours are stored as CMYK or Lab.
    """
    if keyframe.photometric in _OTHER_COLOURS:
        raise BadDataError(
            f'its colours are stored as {keyframe.photometric.name}: save '
            'it as RGB'
        )
    return (
        keyframe.photometric in _COLOUR and keyframe.samplesperpixel in (3, 4)
    ) or (
        keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE
        and keyframe.colormap is not None
        and not (keyframe.colormap == keyframe.colormap[:1]).all()
    )


def number_of_dyes(keyframe: tifffile.TiffPage) -> int:
    """Samples of a pixel that are channels of their own.

    Args:
        keyframe (tifffile.TiffPage): The page.

    Returns:
        int: 1 for gray and for colour; alpha does not count.
    """
    if is_colour(keyframe):
        return 1
    alphas = sum(extra in _ALPHA for extra in keyframe.extrasamples)
    return max(keyframe.samplesperpixel - alphas, 1)


def interpret(image: np.ndarray, keyframe: tifffile.TiffPage) -> np.ndarray:
    """Turn stored numbers into intensities.

    Colour maps are applied, white-is-zero is turned so that larger is
    brighter, one-bit pages become 0 and 255.

    Args:
        image (np.ndarray): Any shape, as stored.
        keyframe (tifffile.TiffPage): The page it is of.

    Returns:
        np.ndarray: The same shape; with a last axis of three colours where
        the page has a colour map that is not gray.
    """
    photometric, colormap = keyframe.photometric, keyframe.colormap
    if photometric == tifffile.PHOTOMETRIC.PALETTE and colormap is not None:
        image = _apply_colormap(image, colormap)
    elif photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        image = _white_is_largest(image)
    if image.dtype == bool:
        image = image.astype(np.uint8) * 255
    return image


def _apply_colormap(image: np.ndarray, colormap: np.ndarray) -> np.ndarray:
    """Colours of a (3, N) map of 16-bit values; gray maps stay one channel."""
    if image.dtype == bool:
        image = image.astype(np.uint8)
    if image.dtype == np.uint8:
        colormap = (colormap >> 8).astype(np.uint8)
    if (colormap == colormap[:1]).all():
        return colormap[0][image]
    return colormap.T[image]


def _white_is_largest(image: np.ndarray) -> np.ndarray:
    if image.dtype == bool:
        return ~image
    if image.dtype.kind == 'u':
        return np.iinfo(image.dtype).max - image
    return -image
