"""Stretching intensities between percentiles."""

import numpy as np

from cupre_mm.utils.intensity import stretch_to_uint8


def test_low_contrast_of_16_bits_fills_the_range():
    image = np.arange(40000, 40101, dtype=np.uint16).reshape(1, -1)
    stretched = stretch_to_uint8(image, 10, 90)
    assert stretched.dtype == np.uint8
    assert stretched[0, 10] == 0
    assert stretched[0, 90] == 255
    assert (np.diff(stretched[0, 10:91].astype(int)) > 0).all()
    assert (stretched[0, :10] == 0).all()
    assert (stretched[0, 91:] == 255).all()


def test_few_bright_pixels_take_the_extremes():
    image = np.zeros((50, 50), np.float32)
    image[0, 0], image[0, 1] = 4.0, np.nan
    stretched = stretch_to_uint8(image, 1, 99)
    assert stretched[0, 0] == 255
    assert stretched.sum() == 255


def test_constant_image_and_one_of_nan_become_zeros():
    assert not stretch_to_uint8(np.full((3, 3), 7, np.int32), 1, 99).any()
    assert not stretch_to_uint8(np.full((3, 3), np.nan), 1, 99).any()
