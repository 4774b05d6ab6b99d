import warnings

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS


def _jitter(image: np.ndarray, **strength: float) -> np.ndarray:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.CellColorJitter', **strength)
    )
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        return transform(dict(img=image.copy()))['img']


@pytest.fixture
def gray() -> np.ndarray:
    noise = np.random.default_rng(0).integers(20, 200, (32, 32, 1), np.uint8)
    return np.repeat(noise, 3, axis=-1)


@pytest.fixture
def stained() -> np.ndarray:
    return np.random.default_rng(0).integers(20, 200, (32, 32, 3), np.uint8)


def test_gray_stays_gray_and_is_jittered(gray: np.ndarray):
    outputs = [
        _jitter(gray, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        for _ in range(10)
    ]
    for output in outputs:
        assert output.dtype == np.uint8
        assert (output == output[..., :1]).all()
    assert len({output.mean() for output in outputs}) > 5


def test_hue_and_saturation_leave_gray_untouched(gray: np.ndarray):
    for _ in range(5):
        output = _jitter(gray, saturation=(0.1, 3.0), hue=0.5)
        np.testing.assert_array_equal(output, gray)


@pytest.mark.parametrize(
    'strength', [dict(hue=(0.2, 0.3)), dict(saturation=(0.0, 0.2))]
)
def test_stained_image_gets_hue_and_saturation(stained, strength: dict):
    output = _jitter(stained, **strength).astype(int)
    assert np.abs(output - stained).mean() > 5
