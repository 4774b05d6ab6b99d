"""Images and label images out of a zip or folder.

An image is copied byte for byte, so that it keeps its bit depth, unless it is
a PNG with an alpha channel or a palette: those are written anew with plain
gray or colour values, which no reader mistakes.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np
import tifffile
from PIL import Image

from cupre_mm.utils.archives import FolderTree, SourceTree
from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_limits import check_pixels, set_limit_of_pillow
from cupre_mm.utils.microscopy_io import read_image, to_three_channels

_PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
_TIFF_MAGICS = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_JPEG_MAGIC = b'\xff\xd8'
_PNG_COLOUR_BYTE = 25
# Colour types of the PNG standard: palette, gray and alpha, RGBA.
_REWRITTEN_PNGS = (3, 4, 6)
_STACK = (
    'holds a stack ({}) where one plane is expected: write each plane, with '
    'its image, to a file of its own'
)


class StoredImage(NamedTuple):
    """What was written.

    Attributes:
        height (int): In pixels.
        width (int): In pixels.
        pages (int): Of a TIFF; readers take the first. 1 of other files.
    """

    height: int
    width: int
    pages: int


def store_image(tree: SourceTree, file: str, target: Path) -> StoredImage:
    """Copy an image that training can read.

    Args:
        tree (SourceTree): The source.
        file (str): The image in it.
        target (Path): Where to write it. What is there is removed if the
            image cannot be used.

    Returns:
        StoredImage: Size and pages.

    Raises:
        BadDataError: If it cannot be decoded whole or is neither gray nor
            RGB(A); the message says why and leaves the file's name out.
    """
    try:
        with local_file(tree, file) as path:
            content = path.read_bytes()
            image = _read(path)
            to_three_channels(image)
            pages = _pages(path, content)
    except (BadDataError, OSError) as error:
        target.unlink(missing_ok=True)
        raise BadDataError(str(error)) from error
    if content.startswith(_PNG_MAGIC) and (
        content[_PNG_COLOUR_BYTE] in _REWRITTEN_PNGS
    ):
        content = _encode_png(image)
    write_atomically(target, content)
    return StoredImage(*image.shape[:2], pages)


def read_values(tree: SourceTree, file: str) -> np.ndarray:
    """Read a label image or mask: numbers, not colours to be looked at.

    Unlike :func:`cupre_mm.utils.microscopy_io.read_image`, a palette or
    colour map is not applied (its indices are the labels), and a TIFF stored
    white-is-zero is not turned.

    Args:
        tree (SourceTree): The source.
        file (str): The file in it.

    Returns:
        np.ndarray: (H, W), or (H, W, C) of a file with colours.

    Raises:
        BadDataError: If it cannot be decoded whole, or holds several pages;
            the message says why and leaves the file's name out.
    """
    try:
        with local_file(tree, file) as path, path.open('rb') as opened:
            head = opened.read(_PNG_COLOUR_BYTE + 1)
            if head.startswith(_TIFF_MAGICS):
                return _tiff_values(path)
            if head.startswith(_PNG_MAGIC) and head[-1] == 3:
                return _palette_indices(path)
            return _read(path)
    except OSError as error:
        raise BadDataError(str(error)) from error


def read_pixels(tree: SourceTree, file: str) -> np.ndarray:
    """Read a binary mask as it is seen: palettes and colour maps applied.

    Args:
        tree (SourceTree): The source.
        file (str): The file in it.

    Returns:
        np.ndarray: (H, W) or (H, W, C).

    Raises:
        BadDataError: As :func:`read_values` does.
    """
    try:
        with local_file(tree, file) as path:
            pixels = _read(path)
            pages = _pages(path, path.read_bytes()[:4])
    except OSError as error:
        raise BadDataError(str(error)) from error
    if pages > 1:
        raise BadDataError(_STACK.format(f'{pages} pages'))
    return pixels


def is_jpeg(tree: SourceTree, file: str) -> bool:
    """Whether a file is a JPEG, whose values are not quite those drawn.

    Args:
        tree (SourceTree): The source.
        file (str): The file in it.
    """
    suffix = PurePosixPath(file).suffix.lower()
    return suffix in ('.jpg', '.jpeg') or tree.read(file).startswith(
        _JPEG_MAGIC
    )


@contextmanager
def local_file(tree: SourceTree, file: str) -> Iterator[Path]:
    """A file of the source as one on disk, for decoders that need a path.

    Args:
        tree (SourceTree): The source.
        file (str): The file in it.

    Yields:
        Path: The file itself, or a copy that is removed afterwards.
    """
    if isinstance(tree, FolderTree):
        yield tree.path / file
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PurePosixPath(file).name
        copy.write_bytes(tree.read(file))
        yield copy


def _read(path: Path) -> np.ndarray:
    try:
        return read_image(path)
    except (BadDataError, FileNotFoundError) as error:
        raise BadDataError(str(error).removeprefix(f'{path}: ')) from error


def _palette_indices(path: Path) -> np.ndarray:
    set_limit_of_pillow()
    try:
        with Image.open(path, formats=('PNG',)) as image:
            return np.array(image)
    except Exception as error:
        raise _unreadable(error) from error


def _pages(path: Path, content: bytes) -> int:
    if not content.startswith(_TIFF_MAGICS):
        return 1
    try:
        with tifffile.TiffFile(path) as tiff:
            return len(tiff.pages)
    except Exception as error:
        raise _unreadable(error) from error


def _tiff_values(path: Path) -> np.ndarray:
    # Truncated data, unknown compressions and bad tags each raise their own.
    try:
        with tifffile.TiffFile(path) as tiff:
            pages, page = len(tiff.pages), tiff.pages[0]
            check_pixels(page.shape)
            check_pixels(page.chunks)
            values, axes = page.asarray(), page.axes
    except Exception as error:
        raise _unreadable(error) from error
    if pages > 1 or set(axes) - set('SYX'):
        raise BadDataError(_STACK.format(f'{pages} pages, axes {axes} each'))
    return np.moveaxis(values, 0, -1) if axes == 'SYX' else values


def _unreadable(error: Exception) -> BadDataError:
    return BadDataError(
        f'cannot be read as an image ({type(error).__name__}: {error})'
    )


def _encode_png(image: np.ndarray) -> bytes:
    if image.ndim == 3:
        # OpenCV writes BGR.
        image = np.ascontiguousarray(image[..., 2::-1])
    return cv2.imencode('.png', image)[1].tobytes()
