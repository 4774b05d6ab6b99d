import warnings

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from cupre_mm.utils.errors import BadConfigError


def _normalize(image: np.ndarray, **kwargs) -> np.ndarray:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.PercentileNormalize', **kwargs)
    )
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return transform(dict(img=image))['img']


def _dark_cells(dtype: type = np.uint8, scale: int = 1) -> np.ndarray:
    """A disc of brightness about 40 on a ground of about 5."""
    rows, columns = np.mgrid[:128, :128]
    disc = (rows - 60) ** 2 + (columns - 50) ** 2 < 20**2
    noise = np.random.default_rng(0).integers(0, 4, (128, 128))
    image = ((np.where(disc, 38, 3) + noise) * scale).astype(dtype)
    return np.repeat(image[..., None], 3, axis=-1)


def test_dark_fluorescence_becomes_well_exposed():
    image = _dark_cells()
    assert np.percentile(image, 99) < 80
    normalized = _normalize(image)
    assert normalized.dtype == np.uint8
    assert normalized.shape == image.shape
    assert np.percentile(normalized, 99) > 230
    assert np.median(normalized) < 30
    assert (normalized == normalized[..., :1]).all()


def test_exposure_and_bit_depth_make_no_difference():
    dark = _normalize(_dark_cells())
    np.testing.assert_array_equal(dark, _normalize(_dark_cells(scale=6)))
    deep = _dark_cells(np.uint16, scale=1500)
    np.testing.assert_array_equal(dark, _normalize(deep))
    floats = _dark_cells(np.float64) / 1e6 - 3
    np.testing.assert_allclose(dark, _normalize(floats), atol=1)


@pytest.mark.parametrize('dtype', [np.uint16, np.uint32, np.float64])
def test_low_contrast_of_a_deep_image_is_kept(dtype: type):
    base = 30000 if dtype is np.uint16 else 2**30
    image = np.arange(200).reshape(10, 20).astype(dtype) + dtype(base)
    normalized = _normalize(image, low=0, high=100)
    assert len(np.unique(normalized)) == 200
    assert normalized.max() == 255


@pytest.mark.parametrize('value', [0, 7, 255])
def test_constant_image_becomes_zeros(value: int):
    normalized = _normalize(np.full((8, 9, 3), value, np.uint8))
    np.testing.assert_array_equal(normalized, np.zeros((8, 9, 3), np.uint8))


def test_few_bright_pixels_are_not_lost():
    image = np.zeros((100, 100), np.uint16)
    image[50, 50:53] = 900
    normalized = _normalize(image)
    assert (normalized[50, 50:53] == 255).all()
    assert normalized.sum() == 3 * 255


def test_channels_are_stretched_jointly():
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = np.arange(64) * 2
    image[..., 1] = image[..., 0] // 2
    normalized = _normalize(image, low=0, high=100)
    assert normalized[..., 0].max() == 255
    assert normalized[..., 1].max() == pytest.approx(127, abs=2)
    assert normalized[..., 2].max() == 0


def test_nan_and_infinity_in_a_float_image():
    image = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    image[0, 0], image[0, 1], image[7, 7] = np.nan, -np.inf, np.inf
    normalized = _normalize(image)
    assert normalized[0, 0] == normalized[0, 1] == 0
    assert normalized[7, 7] == 255
    assert 100 < normalized[4, 0] < 155
    assert not _normalize(np.full((4, 4), np.nan, np.float32)).any()


def test_what_exceeds_the_percentiles_saturates():
    image = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    normalized = _normalize(image, low=10, high=90)
    assert (normalized == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (normalized == 255).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(('low', 'high'), [(-1, 99), (50, 50), (1, 101)])
def test_percentiles_that_make_no_sense(low: float, high: float):
    with pytest.raises(BadConfigError, match='percentiles'):
        _normalize(np.zeros((2, 2)), low=low, high=high)
