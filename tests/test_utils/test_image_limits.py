"""Images whose headers speak of more pixels than there can be."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.archives import FolderTree
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.image_limits import check_pixels, max_pixels
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.labelled_sets.source_images import read_values, store_image
from cupre_mm.utils.microscopy_io import probe_image, read_image

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)
WIDTH, LENGTH = 256, 257


def tiff_of_terabytes(path, **options):
    """A real TIFF of 8 x 8 pixels, its header changed afterwards."""
    tifffile.imwrite(path, IMAGE, compression='zlib', **options)
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages[0].tags
        places = {code: tags[code].offset for code in (WIDTH, LENGTH)}
    content = bytearray(path.read_bytes())
    for place in places.values():
        # The value of type LONG starts 8 bytes into the entry.
        struct.pack_into('<HHLL', content, place, *content_tag(content, place))
    path.write_bytes(content)
    return path


def content_tag(content, place):
    (code,) = struct.unpack_from('<H', content, place)
    return code, 4, 1, 2_000_000


def png_header(path, side, colour=0):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return (
            struct.pack('>L', len(data)) + kind + data + struct.pack('>L', crc)
        )

    header = struct.pack('>LLBBBBB', side, side, 8, colour, 0, 0, 0)
    palette = chunk(b'PLTE', bytes(6)) if colour == 3 else b''
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + palette
        + chunk(b'IDAT', zlib.compress(bytes(100)))
        + chunk(b'IEND', b'')
    )
    return path


@pytest.fixture
def little_memory():
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 << 20


def test_a_tiff_of_terabytes_is_refused(tmp_path, little_memory):
    path = tiff_of_terabytes(tmp_path / 'huge.tif')
    for read in (read_image, probe_image):
        with pytest.raises(
            BadDataError, match=r'huge\.tif.*2000000 x 2000000'
        ):
            read(path)


def test_a_stack_of_terabytes_is_refused_when_it_is_read(
    tmp_path, little_memory
):
    path = tiff_of_terabytes(tmp_path / 'huge.tif')
    with (
        pytest.raises(BadDataError, match=r'huge\.tif'),
        open_stack(path) as stack,
    ):
        stack.read(0, 0, 0, 0, slice(0, stack.layout.height))


@pytest.mark.parametrize('colour', [0, 3])
def test_a_png_of_terabytes_is_refused(tmp_path, little_memory, colour):
    png_header(tmp_path / 'huge.png', 2_000_000, colour)
    with pytest.raises(BadDataError, match=r'huge\.png.*MAX_MEGAPIXELS'):
        read_image(tmp_path / 'huge.png')
    tree = FolderTree(tmp_path)
    with pytest.raises(BadDataError, match='cannot be read'):
        read_values(tree, 'huge.png')
    with pytest.raises(BadDataError, match='cannot be read'):
        store_image(tree, 'huge.png', tmp_path / 'out.png')
    assert not (tmp_path / 'out.png').exists()


def test_a_label_tiff_of_terabytes_is_refused(tmp_path, little_memory):
    tiff_of_terabytes(tmp_path / 'labels.tif')
    with pytest.raises(BadDataError, match='megapixels'):
        read_values(FolderTree(tmp_path), 'labels.tif')


def test_the_limit_is_set_by_a_variable(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', Image.MAX_IMAGE_PIXELS)
    tifffile.imwrite(tmp_path / 'a.tif', IMAGE)
    Image.fromarray(IMAGE).save(tmp_path / 'a.png')
    monkeypatch.setenv('CUPRE_MAX_MEGAPIXELS', '0.00005')
    for name in ('a.tif', 'a.png'):
        with pytest.raises(BadDataError, match='CUPRE_MAX_MEGAPIXELS'):
            read_image(tmp_path / name)
    monkeypatch.setenv('CUPRE_MAX_MEGAPIXELS', '1')
    for name in ('a.tif', 'a.png'):
        assert read_image(tmp_path / name).shape == (8, 8)
    monkeypatch.setenv('CUPRE_MAX_MEGAPIXELS', 'all')
    with pytest.raises(BadConfigError, match="MEGAPIXELS='all'"):
        max_pixels()


def test_real_images_and_long_stacks_pass():
    check_pixels((16_384, 16_384, 3))
    check_pixels((5000, 520, 704))
    with pytest.raises(BadDataError):
        check_pixels((16_385, 16_385))
    with pytest.raises(BadDataError):
        check_pixels((100_000, 1000, 1000))
