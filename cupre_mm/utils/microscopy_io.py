"""Read any image that a microscope or its software writes.

Pillow decodes PNG, JPEG and BMP, tifffile decodes TIFF, and OpenCV the one
case Pillow narrows to 8 bits: PNG with 16 bits a channel. The format is
told from the first bytes of the file, not from its name.
"""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from cupre_mm.utils.errors import (
    BadDataError,
    MissingDataError,
    UserError,
)
from cupre_mm.utils.image_limits import (
    MAX_MEGAPIXELS,
    check_pixels,
    set_limit_of_pillow,
)
from cupre_mm.utils.tiff_pages import interpret, is_colour

IMAGE_EXTENSIONS = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff')

_PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
_JPEG_MAGIC = b'\xff\xd8'
# Classic TIFF and BigTIFF, little and big endian.
_TIFF_MAGICS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
# The IHDR chunk comes first in every PNG: its bit depth and colour type.
_PNG_DEPTH_BYTE, _PNG_COLOUR_BYTE, _HEAD_BYTES = 24, 25, 26
_PNG_GRAY_AND_ALPHA = 4
# Pillow would open many more, some by running other programs.
_PILLOW_FORMATS = ('PNG', 'JPEG', 'BMP')
# A whole PNG or JPEG says so in its last bytes; a few pad bytes may follow.
_TAIL = 64
_END_MARKS = {_PNG_MAGIC: b'IEND', _JPEG_MAGIC: b'\xff\xd9'}
# Pillow's modes that are not one plain number or colour a pixel.
_PLAIN_MODES = {
    '1': 'L',
    'LA': 'L',
    'La': 'L',
    'P': 'RGB',
    'PA': 'RGB',
    'CMYK': 'RGB',
    'YCbCr': 'RGB',
    'LAB': 'RGB',
    'HSV': 'RGB',
    'RGBX': 'RGB',
    'RGBa': 'RGBA',
}


def read_image(path: str | Path) -> np.ndarray:
    """Read an image at the bit depth it was stored with.

    Colours come in the order R, G, B (A). Palettes and TIFF colour maps are
    applied, TIFFs stored white-is-zero are turned so that larger is
    brighter, one-bit images become 0 and 255. The alpha channel of a gray
    image is dropped, that of a colour image kept. EXIF orientation is not
    applied: annotations count pixels as they are stored.

    Of a TIFF with several pages the first page is read, and of a page that
    holds a stack its first plane.

    Args:
        path (str | Path): A PNG, JPEG, BMP or TIFF file.

    Returns:
        np.ndarray: (H, W) or (H, W, C), of dtype uint8 or uint16, or
        whatever number type the TIFF holds.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If the file cannot be decoded whole.
    """
    path = Path(path)
    head = _head(path)
    try:
        if head.startswith(_TIFF_MAGICS):
            image = _read_tiff(path)
        elif head.startswith(_PNG_MAGIC) and head[_PNG_DEPTH_BYTE] == 16:
            image = _read_deep_png(path, head[_PNG_COLOUR_BYTE])
        else:
            image = _read_with_pillow(path)
    # Each decoder raises what its parser happens to trip on.
    except Exception as error:
        raise unreadable(path, error) from error
    if image.size == 0 or image.dtype.kind not in 'uif':
        raise BadDataError(
            f'{path}: not an image of real numbers: shape {image.shape}, '
            f'dtype {image.dtype}'
        )
    return np.ascontiguousarray(image, dtype=image.dtype.newbyteorder('='))


def probe_image(path: str | Path) -> tuple[int, int]:
    """Check that a file is a readable image, by its header where possible.

    Catches what is not an image and what was cut short. A file that does
    not end as its format asks is decoded, so no good file is refused; a
    file damaged in the middle passes and fails in :func:`read_image`.

    Args:
        path (str | Path): A PNG, JPEG, BMP or TIFF file.

    Returns:
        tuple[int, int]: Height and width in pixels.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If the file is not an image or was cut short.
    """
    path = Path(path)
    head = _head(path)
    try:
        if head.startswith(_TIFF_MAGICS):
            size, whole = _tiff_header(path)
        else:
            with _open_with_pillow(path) as image:
                size = (image.height, image.width)
            whole = _has_end_mark(path, head)
        check_pixels(size)
    except Exception as error:
        raise unreadable(path, error) from error
    if 0 in size:
        raise BadDataError(
            f'{path}: an image of {size[0]} x {size[1]} px (height x width) '
            'has no pixels: the file is damaged'
        )
    if not whole:
        size = read_image(path).shape[:2]
    return size


def to_three_channels(image: np.ndarray) -> np.ndarray:
    """Bring an image to three channels, its values untouched.

    Args:
        image (np.ndarray): (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Returns:
        np.ndarray: (H, W, 3): gray repeated three times, a fourth channel
        dropped as alpha, the order of colours unchanged.

    Raises:
        BadDataError: If the image has another number of channels.
    """
    if image.ndim == 2:
        image = image[..., None]
    channels = image.shape[-1] if image.ndim == 3 else 0
    if channels == 1:
        return np.repeat(image, 3, axis=-1)
    if channels in (3, 4):
        return np.ascontiguousarray(image[..., :3])
    raise BadDataError(
        f'an image of shape {image.shape} is neither gray nor RGB(A): write '
        'its channels to files of their own, one gray image each'
    )


def _head(path: Path) -> bytes:
    try:
        with path.open('rb') as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise MissingDataError(f'{path}: no such image file') from error
    except OSError as error:
        raise unreadable(path, error) from error
    if not head:
        raise BadDataError(f'{path}: the file is empty (0 bytes)')
    if head.startswith(_PNG_MAGIC) and len(head) < _HEAD_BYTES:
        raise BadDataError(f'{path}: a PNG cut short within its header')
    return head


def unreadable(path: Path, error: Exception) -> BadDataError:
    """Name the file that a decoder failed on.

    Args:
        path (Path): The file.
        error (Exception): What the decoder raised.

    Returns:
        BadDataError: To be raised.
    """
    if isinstance(error, UserError):
        return BadDataError(f'{path}: {error}')
    reason = f'{type(error).__name__}: {error}'
    if isinstance(error, Image.DecompressionBombError):
        reason = (
            f'{error}; save an image of that size as TIFF, which is read '
            f'in parts, or raise {MAX_MEGAPIXELS} if you trust the file'
        )
    return BadDataError(f'{path}: cannot be read as an image ({reason})')


def is_tiff(path: str | Path) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does.

    Args:
        path (str | Path): The file, whatever its name.

    Returns:
        bool: Whether tifffile is to read it.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is empty or cannot be opened.
    """
    return _head(Path(path)).startswith(_TIFF_MAGICS)


def _has_end_mark(path: Path, head: bytes) -> bool:
    for magic, mark in _END_MARKS.items():
        if head.startswith(magic):
            with path.open('rb') as file:
                file.seek(-min(_TAIL, path.stat().st_size), 2)
                return mark in file.read()
    return False


def _tiff_header(path: Path) -> tuple[tuple[int, int], bool]:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        last_byte = max(
            offset + count
            for offset, count in zip(page.dataoffsets, page.databytecounts)
        )
        whole = (
            last_byte <= path.stat().st_size
            and page.compression in tifffile.TIFF.DECOMPRESSORS
        )
        return (page.imagelength, page.imagewidth), whole


def _read_tiff(path: Path) -> np.ndarray:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        is_colour(page)
        check_pixels(page.shape)
        check_pixels(page.chunks)
        image, axes = page.asarray(), page.axes
        for axis in [name for name in axes if name not in 'SYX']:
            image = image.take(0, axis=axes.index(axis))
            axes = axes.replace(axis, '')
        if axes == 'SYX':
            image = np.moveaxis(image, 0, -1)
        return interpret(image, page)


def _read_deep_png(path: Path, colour_type: int) -> np.ndarray:
    # OpenCV fills what is missing with zeros; Pillow's check of every
    # chunk's checksum refuses such a file.
    with _open_with_pillow(path) as image:
        image.verify()
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError('OpenCV found no image in it')
    if image.ndim == 2:
        return image
    if colour_type == _PNG_GRAY_AND_ALPHA:
        return image[..., 0]
    return image[..., [2, 1, 0, 3][: image.shape[-1]]]


def _read_with_pillow(path: Path) -> np.ndarray:
    with _open_with_pillow(path) as image:
        mode = _PLAIN_MODES.get(image.mode)
        return np.array(image.convert(mode) if mode else image)


def _open_with_pillow(path: Path) -> Image.Image:
    set_limit_of_pillow()
    return Image.open(path, formats=_PILLOW_FORMATS)
