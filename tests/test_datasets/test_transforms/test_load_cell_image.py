from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.datasets.transforms import LoadCellImage
from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadDataError, MissingDataError

GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], axis=-1)


def load(path: Path) -> dict:
    return TRANSFORMS.build(dict(type='cupre_mm.LoadCellImage'))(
        dict(img_path=str(path))
    )


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


def test_file_of_five_channels_is_named(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        np.zeros((6, 8, 5), np.uint8),
        photometric='minisblack',
        planarconfig='contig',
    )
    with pytest.raises(BadDataError, match=r'a\.tif: .*neither gray nor RGB'):
        load(tmp_path / 'a.tif')


def test_repr():
    assert repr(LoadCellImage()) == 'LoadCellImage()'
