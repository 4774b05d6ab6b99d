import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.datasets.transforms import LoadCellImage, PercentileNormalize
from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadConfigError

# The 99.8th percentile of this image is 32 of 255.
DARK = '0532c64c2fd0c4d3188cc751cdfd566b1cfba3d269358717295bab1504c7c275'


def normalize(image: np.ndarray, **kwargs: float) -> np.ndarray:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.PercentileNormalize', **kwargs)
    )
    # A run must not print numpy's warnings for every other image.
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return transform(dict(img=image))['img']


def test_is_the_formula_of_its_percentiles():
    image = np.random.default_rng(0).integers(0, 4000, (50, 40, 3))
    bottom, top = np.percentile(image, (1.0, 99.8))
    expected = ((image - bottom) / (top - bottom) * 255).clip(0, 255)
    result = normalize(image.astype(np.uint16))
    assert result.dtype == np.uint8
    assert np.abs(result - expected).max() <= 0.5 + 1e-3


def test_dark_fluorescence_of_bbbc038_becomes_well_exposed(
    shared_data: Path, tmp_path: Path
):
    with zipfile.ZipFile(shared_data / 'bbbc038_stage1_train.zip') as archive:
        [name] = [
            name
            for name in archive.namelist()
            if name.endswith('.png') and f'/images/{DARK[:8]}' in f'/{name}'
        ]
        (tmp_path / 'dark.png').write_bytes(archive.read(name))
    dark = LoadCellImage()(dict(img_path=str(tmp_path / 'dark.png')))['img']
    assert np.percentile(dark, 99) < 40
    result = normalize(dark)
    assert result.min() == 0
    assert result.max() == 255
    assert np.percentile(result, 99) > 150
    # The empty ground stays dark, and what was brighter is no darker now.
    assert np.median(result) < 40
    order = np.argsort(dark, axis=None)
    assert (np.diff(result.ravel()[order].astype(int)) >= 0).all()


def test_16_bit_image_of_low_contrast_keeps_its_contrast():
    rows = np.arange(200, dtype=np.uint16)[:, None]
    image = np.repeat(30_000 + rows, 100, axis=1)
    # As 8 bits all of it is one gray.
    assert len(np.unique(image >> 8)) == 1
    result = normalize(image)
    assert (result[0, 0], result[-1, 0]) == (0, 255)
    assert len(np.unique(result)) > 190


def test_what_lies_outside_the_percentiles_saturates():
    image = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    result = normalize(image, low=10, high=90)
    assert (result == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (result == 255).mean() == pytest.approx(0.1, abs=0.01)


def test_channels_are_stretched_jointly():
    image = np.zeros((40, 40, 3), np.uint8)
    image[..., 0] = np.arange(40)
    image[..., 1] = 2 * np.arange(40)
    image[..., 2] = 10
    result = normalize(image, low=0, high=100).astype(float)
    np.testing.assert_allclose(result, image * (255 / 78), atol=0.5)
    assert result[..., 0].max() < 130


def test_result_does_not_depend_on_gain_and_offset():
    image = np.random.default_rng(1).integers(0, 200, (30, 30)).astype(float)
    difference = normalize(image).astype(int) - normalize(image * 37 - 1000)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize('value', [0, 7, 255])
@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'float32'])
def test_constant_image_becomes_zeros(value: int, dtype: str):
    result = normalize(np.full((5, 6, 3), value, dtype))
    assert result.dtype == np.uint8
    assert result.shape == (5, 6, 3)
    assert not result.any()


def test_few_bright_pixels_on_an_empty_ground_are_kept():
    image = np.full((100, 100), 3, np.uint8)
    image[50, 50:55] = [7, 7, 7, 7, 11]
    result = normalize(image)
    assert result[50, 54] == 255
    assert result[50, 50] in (127, 128)
    assert result[0, 0] == 0


def test_nan_and_infinity_leave_the_rest_alone():
    image = np.random.default_rng(2).random((60, 60)).astype(np.float32)
    spoiled = image.copy()
    spoiled[0, :3] = [np.nan, np.inf, -np.inf]
    result = normalize(spoiled)
    assert result[0, :3].tolist() == [0, 255, 0]
    difference = result[1:].astype(int) - normalize(image)[1:]
    assert np.abs(difference).max() <= 1
    assert not normalize(np.full((4, 4), np.nan)).any()


@pytest.mark.parametrize('dtype', ['int16', 'uint32', 'float16', 'float64'])
def test_number_types(dtype: str):
    ramp = np.arange(256).reshape(16, 16)
    result = normalize(ramp.astype(dtype), low=0, high=100)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, ramp)


def test_32_bit_values_are_not_rounded():
    ramp = 2**31 + np.arange(256, dtype=np.uint32).reshape(16, 16)
    np.testing.assert_array_equal(
        normalize(ramp, low=0, high=100), ramp - 2**31
    )


@pytest.mark.parametrize(
    ('low', 'high'), [(-1, 99), (1, 101), (50, 50), (99, 1)]
)
def test_values_that_are_no_percentiles_are_refused(low: float, high: float):
    with pytest.raises(BadConfigError, match=f'low={low}, high={high}'):
        PercentileNormalize(low, high)


def test_repr_names_both_values():
    text = repr(PercentileNormalize(2.0, 98.0))
    assert text == 'PercentileNormalize(low=2.0, high=98.0)'
