"""Image files that fuzzing found."""

import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.microscopy_io import probe_image, read_image

PIXELS = np.arange(144, dtype=np.uint8).reshape(12, 12)


def test_png_without_width_is_no_image(tmp_path):
    """Its header passed, to fail when the image was drawn."""
    data = bytearray(cv2.imencode('.png', PIXELS)[1].tobytes())
    data[16:20] = bytes(4)
    data[29:33] = struct.pack('>I', zlib.crc32(bytes(data[12:29])))
    path = tmp_path / 'a.png'
    path.write_bytes(data)
    for read in (probe_image, read_image):
        with pytest.raises(BadDataError, match=r'a\.png'):
            read(path)


def test_one_bit_tiff_with_a_colour_map_is_read(tmp_path):
    """The bits were taken for a mask of the map: IndexError."""
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 1] = (65535, 0, 32768)
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, PIXELS % 2, photometric='palette', colormap=colours)
    with tifffile.TiffFile(path, mode='r+b') as tiff:
        tiff.pages[0].tags['BitsPerSample'].overwrite(1)
    for image in (read_image(path), _first_plane(path)):
        assert image.shape == (12, 12, 3)
        assert {*map(tuple, image.reshape(-1, 3).tolist())} <= {
            (0, 0, 0),
            (255, 0, 128),
        }


def test_colour_map_shorter_than_the_values_is_a_bad_file(tmp_path):
    colours = np.zeros((3, 256), np.uint16)
    path = tmp_path / 'a.tif'
    colours[0] = np.arange(256)
    tifffile.imwrite(path, PIXELS, photometric='palette', colormap=colours)
    with tifffile.TiffFile(path, mode='r+b') as tiff:
        tiff.pages[0].tags['ColorMap'].overwrite(colours[:, :8].ravel())
    with pytest.raises(BadDataError, match=r'a\.tif'):
        _first_plane(path)


def _first_plane(path):
    with open_stack(path) as stack:
        return stack.read(0, 0, 0, 0, slice(0, stack.layout.height))
