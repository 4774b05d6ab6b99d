from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.microscopy_io import (
    is_tiff,
    probe_image,
    read_image,
    to_three_channels,
)

GRAY_8 = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
GRAY_16 = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1300
RGB_8 = np.stack([GRAY_8, GRAY_8[::-1], GRAY_8[:, ::-1]], axis=-1)
RGB_16 = np.stack([GRAY_16, GRAY_16[::-1], GRAY_16[:, ::-1]], axis=-1)
RGBA_8 = np.dstack([RGB_8, np.full((6, 8), 200, np.uint8)])
RGBA_16 = np.dstack([RGB_16, np.full((6, 8), 50_000, np.uint16)])


@pytest.mark.parametrize('extension', ['png', 'bmp', 'tif', 'tiff', 'TIF'])
@pytest.mark.parametrize('image', [GRAY_8, RGB_8], ids=['gray', 'rgb'])
def test_lossless_8_bit(tmp_path: Path, extension: str, image: np.ndarray):
    path = tmp_path / f'cell.{extension}'
    Image.fromarray(image).save(path)
    assert probe_image(path) == (6, 8)
    read = read_image(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, image)


def test_jpeg_keeps_shape_and_colour_order(tmp_path: Path):
    red = np.zeros((32, 16, 3), np.uint8)
    red[..., 0] = 250
    Image.fromarray(red).save(tmp_path / 'a.jpg', quality=95)
    assert probe_image(tmp_path / 'a.jpg') == (32, 16)
    read = read_image(tmp_path / 'a.jpg')
    assert read.shape == (32, 16, 3)
    assert read[..., 0].min() > 240
    assert read[..., 1:].max() < 15


def test_gray_jpeg_has_no_channel_axis(tmp_path: Path):
    smooth = np.arange(40, 232, dtype=np.uint8).reshape(16, 12)
    Image.fromarray(smooth).save(tmp_path / 'a.jpg', quality=95)
    assert probe_image(tmp_path / 'a.jpg') == (16, 12)
    read = read_image(tmp_path / 'a.jpg')
    assert read.shape == (16, 12)
    assert np.abs(read.astype(int) - smooth).max() <= 6


@pytest.mark.parametrize('extension', ['png', 'tif'])
@pytest.mark.parametrize('image', [GRAY_16, RGB_16], ids=['gray', 'rgb'])
def test_16_bit_is_kept(tmp_path: Path, extension: str, image: np.ndarray):
    path = str(tmp_path / f'cell.{extension}')
    if extension == 'tif':
        tifffile.imwrite(path, image)
    else:
        cv2.imwrite(path, image[..., ::-1] if image.ndim == 3 else image)
    read = read_image(path)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize('extension', ['png', 'tif'])
def test_rgba_keeps_alpha(tmp_path: Path, extension: str):
    Image.fromarray(RGBA_8).save(tmp_path / f'a.{extension}')
    read = read_image(tmp_path / f'a.{extension}')
    np.testing.assert_array_equal(read, RGBA_8)
    np.testing.assert_array_equal(to_three_channels(read), RGB_8)


@pytest.mark.parametrize('extension', ['png', 'tif'])
def test_16_bit_rgba_keeps_colours_and_alpha(tmp_path: Path, extension: str):
    path = str(tmp_path / f'a.{extension}')
    if extension == 'tif':
        tifffile.imwrite(
            path, RGBA_16, photometric='rgb', extrasamples=['unassalpha']
        )
    else:
        cv2.imwrite(path, RGBA_16[..., [2, 1, 0, 3]])
    assert probe_image(path) == (6, 8)
    read = read_image(path)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, RGBA_16)


def test_rgba_bmp_gives_its_colours(tmp_path: Path):
    Image.fromarray(RGBA_8).save(tmp_path / 'a.bmp')
    read = read_image(tmp_path / 'a.bmp')
    np.testing.assert_array_equal(to_three_channels(read), RGB_8)


def test_float_rgb_tiff_keeps_its_values(tmp_path: Path):
    image = (RGB_16 / 7 - 1000).astype(np.float32)
    tifffile.imwrite(tmp_path / 'a.tif', image, photometric='rgb')
    assert probe_image(tmp_path / 'a.tif') == (6, 8)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif'), image)


def test_gray_with_alpha_is_read_as_gray(tmp_path: Path):
    image = Image.merge(
        'LA', [Image.fromarray(GRAY_8), Image.fromarray(GRAY_8[::-1])]
    )
    image.save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_image(tmp_path / 'a.png'), GRAY_8)


def test_one_bit_and_palette_png(tmp_path: Path):
    Image.fromarray(GRAY_8 > 100).save(tmp_path / 'bit.png')
    np.testing.assert_array_equal(
        read_image(tmp_path / 'bit.png'), (GRAY_8 > 100) * np.uint8(255)
    )
    palette = Image.fromarray(GRAY_8 % 2).convert('P')
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / 'palette.png')
    read = read_image(tmp_path / 'palette.png')
    assert read[0, 0].tolist() == [10, 20, 30]
    assert read[0, 1].tolist() == [40, 50, 60]


@pytest.mark.parametrize(
    'dtype', ['int16', 'uint32', 'float32', 'float64', '>u2']
)
def test_tiff_number_types(tmp_path: Path, dtype: str):
    image = GRAY_8.astype(dtype)
    tifffile.imwrite(tmp_path / 'a.tif', image)
    read = read_image(tmp_path / 'a.tif')
    assert read.dtype == np.dtype(dtype).newbyteorder('=')
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize('compression', ['lzw', 'zlib', 'packbits'])
def test_compressed_tiff(tmp_path: Path, compression: str):
    tifffile.imwrite(tmp_path / 'a.tif', GRAY_16, compression=compression)
    assert probe_image(tmp_path / 'a.tif') == (6, 8)
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif'), GRAY_16)


def test_planar_tiff_is_channels_last(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        np.moveaxis(RGB_8, -1, 0),
        photometric='rgb',
        planarconfig='separate',
    )
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif'), RGB_8)


def test_multi_page_tiff_gives_the_first_page(tmp_path: Path):
    pages = np.stack([GRAY_16, GRAY_16[::-1], GRAY_16 + 1])
    tifffile.imwrite(tmp_path / 'a.tif', pages, photometric='minisblack')
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif'), GRAY_16)


def test_white_is_zero_tiff_is_turned(tmp_path: Path):
    tifffile.imwrite(tmp_path / 'a.tif', GRAY_8, photometric='miniswhite')
    np.testing.assert_array_equal(read_image(tmp_path / 'a.tif'), 255 - GRAY_8)


def test_tiff_colormap_is_applied(tmp_path: Path):
    ramp = np.arange(256, dtype=np.uint16) * 256
    for name, green in (('gray', ramp), ('colour', ramp[::-1])):
        tifffile.imwrite(
            tmp_path / f'{name}.tif',
            GRAY_8,
            photometric='palette',
            colormap=np.stack([ramp, green, ramp]),
        )
    np.testing.assert_array_equal(read_image(tmp_path / 'gray.tif'), GRAY_8)
    np.testing.assert_array_equal(
        read_image(tmp_path / 'colour.tif'),
        np.dstack([GRAY_8, 255 - GRAY_8, GRAY_8]),
    )


def _write(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**16, (80, 80, 3))
    if path.name == 'deep.png':
        cv2.imwrite(str(path), noise.astype(np.uint16))
    elif path.name == 'packed.tif':
        tifffile.imwrite(path, noise.astype(np.uint16), compression='zlib')
    else:
        Image.fromarray(noise.astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    'name', ['a.png', 'deep.png', 'a.jpg', 'a.bmp', 'a.tif', 'packed.tif']
)
@pytest.mark.parametrize('share', [0.0, 0.002, 0.5, 0.95])
def test_truncated_file_is_named(tmp_path: Path, name: str, share: float):
    path = tmp_path / name
    _write(path)
    read_image(path)
    probe_image(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadDataError, match=name):
        read_image(path)
    with pytest.raises(BadDataError, match=name):
        probe_image(path)


@pytest.mark.parametrize('name', ['a.png', 'a.jpg', 'a.tif'])
def test_text_under_an_image_name(tmp_path: Path, name: str):
    (tmp_path / name).write_text('<html>404: not found</html>')
    with pytest.raises(BadDataError, match=name):
        read_image(tmp_path / name)
    with pytest.raises(BadDataError, match=name):
        probe_image(tmp_path / name)


def test_jpeg_without_end_mark_that_decodes_is_accepted(tmp_path: Path):
    path = tmp_path / 'a.jpg'
    Image.fromarray(RGB_8).save(path)
    path.write_bytes(path.read_bytes() + bytes(200))
    assert probe_image(path) == (6, 8)


@pytest.mark.parametrize('function', [read_image, probe_image])
def test_missing_file_and_folder(tmp_path: Path, function):
    with pytest.raises(MissingDataError, match=r'none\.png'):
        function(tmp_path / 'none.png')
    with pytest.raises(BadDataError, match=tmp_path.name):
        function(tmp_path)


def test_complex_tiff_is_refused(tmp_path: Path):
    tifffile.imwrite(tmp_path / 'a.tif', GRAY_8.astype(np.complex64))
    with pytest.raises(BadDataError, match='real numbers'):
        read_image(tmp_path / 'a.tif')


def test_cmyk_tiff_is_not_taken_for_rgb_and_alpha(tmp_path: Path):
    tifffile.imwrite(tmp_path / 'a.tif', RGBA_8, photometric='separated')
    with pytest.raises(BadDataError, match=r'a\.tif: .*save it as RGB'):
        read_image(tmp_path / 'a.tif')


def test_an_image_larger_than_pillow_opens_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    Image.fromarray(GRAY_8).save(tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 20)
    with pytest.raises(BadDataError, match=r'a\.png: .*save .* as TIFF'):
        read_image(tmp_path / 'a.png')


def test_a_tiff_is_told_by_its_first_bytes(tmp_path: Path):
    Image.fromarray(GRAY_8).save(tmp_path / 'a.tif')
    (tmp_path / 'a.tif').rename(tmp_path / 'a.png')
    Image.fromarray(GRAY_8).save(tmp_path / 'b.png')
    assert is_tiff(tmp_path / 'a.png')
    assert not is_tiff(tmp_path / 'b.png')
    with pytest.raises(MissingDataError, match=r'c\.tif'):
        is_tiff(tmp_path / 'c.tif')


def test_to_three_channels_repeats_gray():
    for gray in (GRAY_16, GRAY_16[..., None]):
        three = to_three_channels(gray)
        assert three.dtype == np.uint16
        for channel in range(3):
            np.testing.assert_array_equal(three[..., channel], GRAY_16)


@pytest.mark.parametrize('shape', [(6, 8, 2), (6, 8, 5), (8,)])
def test_to_three_channels_refuses_other_shapes(shape: tuple[int, ...]):
    with pytest.raises(BadDataError, match='neither gray nor RGB'):
        to_three_channels(np.zeros(shape, np.uint8))
