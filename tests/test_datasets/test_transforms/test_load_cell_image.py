from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.datasets.transforms import LoadCellImage
from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)

GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=-1)


def load(path: Path, **choices) -> dict:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.LoadCellImage', **choices)
    )
    return transform(dict(img_path=str(path)))


@pytest.mark.parametrize('extension', ['png', 'bmp', 'tif'])
def test_colour_is_bgr_as_mmcv_loads_it(tmp_path: Path, extension: str):
    path = tmp_path / f'a.{extension}'
    Image.fromarray(RGB).save(path)
    results = load(path)
    np.testing.assert_array_equal(results['img'], cv2.imread(str(path)))
    np.testing.assert_array_equal(results['img'], RGB[..., ::-1])
    assert results['img'].flags['C_CONTIGUOUS']
    assert results['img_shape'] == results['ori_shape'] == (6, 8)


def test_jpeg_is_what_opencv_decodes_but_for_rounding(tmp_path: Path):
    path = tmp_path / 'a.jpg'
    Image.fromarray(RGB).resize((64, 48)).save(path, quality=90)
    difference = load(path)['img'].astype(int) - cv2.imread(str(path))
    assert np.abs(difference).max() <= 3


def test_alpha_is_dropped(tmp_path: Path):
    rgba = np.dstack([RGB, np.full((6, 8), 9, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(
        load(tmp_path / 'a.png')['img'], RGB[..., ::-1]
    )


def test_gray_16_bit_keeps_its_values_in_three_channels(tmp_path: Path):
    deep = GRAY.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / 'a.png'), deep)
    tifffile.imwrite(tmp_path / 'a.tif', deep)
    for name in ('a.png', 'a.tif'):
        image = load(tmp_path / name)['img']
        assert image.dtype == np.uint16
        np.testing.assert_array_equal(image, np.dstack([deep] * 3))


def test_missing_and_damaged_files_are_named(tmp_path: Path):
    with pytest.raises(MissingDataError, match=r'none\.png'):
        load(tmp_path / 'none.png')
    (tmp_path / 'a.png').write_text('no image')
    with pytest.raises(BadDataError, match=r'a\.png'):
        load(tmp_path / 'a.png')


STACK = np.random.default_rng(0).integers(1000, 1200, (3, 2, 6, 8), np.uint16)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Three planes in depth of two channels."""
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, STACK, imagej=True, metadata={'axes': 'ZCYX'})
    return path


@pytest.mark.parametrize(
    ('choices', 'expected'),
    [
        (dict(z='max', channel=0), STACK[:, 0].max(0)),
        (dict(z='middle', channel=1), STACK[1, 1]),
        (dict(z=2, channel=0), STACK[2, 0]),
    ],
)
def test_a_plane_or_projection_of_a_stack(
    stack: Path, choices: dict, expected: np.ndarray
):
    image = load(stack, **choices)['img']
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, np.dstack([expected] * 3))


def test_merged_channels_are_bgr(stack: Path):
    image = load(stack, z=1, channel=[1, 0])['img']
    assert not image[..., 0].any()
    np.testing.assert_array_equal(image[..., 1], STACK[1, 0])
    np.testing.assert_array_equal(image[..., 2], STACK[1, 1])


def test_pages_time_and_series(tmp_path: Path):
    path = tmp_path / 'a.tif'
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[:, 0], photometric='minisblack')
        writer.write(STACK[0, 1, :5])
    np.testing.assert_array_equal(
        load(path, page=2)['img'][..., 0], STACK[2, 0]
    )
    assert load(path, series=1)['img_shape'] == (5, 8)
    tifffile.imwrite(path, STACK[:, 0], imagej=True, metadata={'axes': 'TYX'})
    np.testing.assert_array_equal(load(path, t=0)['img'][..., 0], STACK[0, 0])


@pytest.mark.parametrize(
    ('choices', 'message'),
    [
        ({}, r'3 Z planes .* choose with z='),
        (dict(z=0), r'2 channels .* choose with channel='),
        (dict(z=3, channel=0), r'z=3, but the file has 3 Z planes'),
        (dict(z=0, channel=0, series=1), r'series=1, but the file holds 1'),
    ],
)
def test_no_plane_is_taken_that_was_not_asked_for(
    stack: Path, choices: dict, message: str
):
    with pytest.raises(BadDataError, match=rf'a\.tif: .*{message}'):
        load(stack, **choices)


@pytest.mark.parametrize(
    'choices',
    [dict(z='split'), dict(z='top'), dict(channel=[0]), dict(series=-1)],
    ids=str,
)
def test_choices_that_make_no_sense_are_refused(choices: dict):
    with pytest.raises(BadConfigError, match=f'{next(iter(choices))}='):
        LoadCellImage(**choices)


def test_dyes_that_lie_together_are_channels(tmp_path: Path):
    dyes = np.random.default_rng(0).integers(0, 255, (6, 8, 5), np.uint8)
    tifffile.imwrite(
        tmp_path / 'a.tif',
        dyes,
        photometric='minisblack',
        planarconfig='contig',
    )
    with pytest.raises(BadDataError, match=r'a\.tif: .*5 channels'):
        load(tmp_path / 'a.tif')
    image = load(tmp_path / 'a.tif', channel=4)['img']
    np.testing.assert_array_equal(image[..., 0], dyes[..., 4])


def test_repr():
    assert repr(LoadCellImage()) == 'LoadCellImage()'
    assert repr(LoadCellImage(z='max', channel=0)) == (
        "LoadCellImage(z='max', channel=0)"
    )
