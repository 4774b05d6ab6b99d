from pathlib import Path

import numpy as np
import pytest
import tifffile
from mmengine.registry import TRANSFORMS
from PIL import Image

from cupre_mm.utils.errors import BadDataError, MissingDataError


def _load(path: Path) -> dict:
    load = TRANSFORMS.build(dict(type='cupre_mm.LoadCellImage'))
    return load(dict(img_path=str(path)))


@pytest.mark.parametrize('mode', ['RGB', 'RGBA'])
def test_colours_are_bgr(tmp_path: Path, mode: str):
    image = Image.new(mode, (9, 5), (10, 20, 30, 40)[: len(mode)])
    image.save(tmp_path / 'a.png')
    results = _load(tmp_path / 'a.png')
    assert results['img'].shape == (5, 9, 3)
    assert results['img'][0, 0].tolist() == [30, 20, 10]
    assert results['img_shape'] == results['ori_shape'] == (5, 9)


def test_16_bit_gray_has_three_channels_of_16_bits(tmp_path: Path):
    image = np.arange(30000, 30045, dtype=np.uint16).reshape(5, 9)
    tifffile.imwrite(tmp_path / 'a.tif', image)
    loaded = _load(tmp_path / 'a.tif')['img']
    assert loaded.dtype == np.uint16
    for channel in range(3):
        np.testing.assert_array_equal(loaded[..., channel], image)


def test_unusable_files_are_named(tmp_path: Path):
    with pytest.raises(MissingDataError, match=r'none\.png'):
        _load(tmp_path / 'none.png')
    tifffile.imwrite(
        tmp_path / 'five.tif',
        np.zeros((6, 7, 5), np.uint8),
        photometric='minisblack',
        planarconfig='contig',
    )
    with pytest.raises(BadDataError, match=r'five\.tif.*\(6, 7, 5\)'):
        _load(tmp_path / 'five.tif')
