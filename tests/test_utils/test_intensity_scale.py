import numpy as np
import pytest

from cupre_mm.utils import intensity_scale
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.intensity_scale import (
    IntensityCounter,
    IntensityLimits,
    keep_values,
    scale_between,
)

RNG = np.random.default_rng(0)


def _images() -> dict[str, np.ndarray]:
    deep = RNG.integers(1000, 1200, (60, 50)).astype(np.uint16)
    spots = np.zeros((60, 50), np.uint16)
    spots[3, 4] = 900
    holes = RNG.normal(0, 1, (60, 50)).astype(np.float32)
    holes[2:5] = np.nan
    holes[0, :3] = np.inf, -np.inf, 1e6
    return {
        'deep': deep,
        'byte': (deep % 200).astype(np.uint8),
        'signed': (deep.astype(np.int16) - 1100),
        'wide': deep.astype(np.uint32) * 70_000,
        'double': RNG.normal(5, 3, (60, 50)),
        'holes': holes,
        'spots': spots,
        'constant': np.full((60, 50), 7, np.uint16),
        'nothing': np.full((60, 50), np.nan, np.float32),
        'rgb': RNG.integers(0, 9000, (40, 30, 3)).astype(np.uint16),
    }


@pytest.mark.parametrize('name', list(_images()))
def test_in_pieces_it_is_the_stretch_of_the_whole(name: str):
    image = _images()[name]
    counter = IntensityCounter(image.size)
    for piece in np.array_split(image, 7):
        counter.add(piece)
    np.testing.assert_array_equal(
        scale_between(image, counter.limits(1.0, 99.8), 8),
        stretch_to_uint8(image, 1.0, 99.8),
    )


def test_not_finite_values_are_counted():
    counter = IntensityCounter(3000)
    counter.add(_images()['holes'])
    assert counter.not_finite == 152


def test_more_floats_than_fit_are_sampled_evenly(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(intensity_scale, 'MOST_SAMPLED', 1000)
    values = RNG.normal(0, 1, 9_999)
    whole, pieces = IntensityCounter(9_999), IntensityCounter(9_999)
    whole.add(values)
    for piece in np.split(values, [1, 777, 778, 5000]):
        pieces.add(piece)
    assert whole.every == 10
    assert whole.limits(1, 99) == pieces.limits(1, 99)
    expected = np.percentile(values[::10], (1, 99))
    assert whole.limits(1, 99) == pytest.approx(tuple(expected))


def test_16_bits_use_their_whole_range():
    image = np.array([[1000, 1050, 1200]], np.uint16)
    scaled = scale_between(image, IntensityLimits(1000, 1200), 16)
    assert scaled.dtype == np.uint16
    assert scaled.tolist() == [[0, 16384, 65535]]


def test_values_outside_a_range_saturate():
    image = np.array([[-5.0, 0, 60, 100, 900, np.nan, np.inf]], np.float32)
    scaled = scale_between(image, IntensityLimits(0, 100), 8)
    assert scaled.tolist() == [[0, 0, 153, 255, 255, 0, 255]]


def test_values_are_kept_where_they_fit():
    deep = np.array([[0, 300]], np.uint16)
    assert keep_values(deep, 16).tolist() == [[0, 300]]
    assert keep_values(deep.astype(np.int32), 16).dtype == np.uint16
    byte = np.array([[0, 200]], np.uint8)
    assert keep_values(byte, 16) is byte
    assert keep_values(byte.astype(np.uint16), 8).dtype == np.uint8


@pytest.mark.parametrize(
    ('image', 'bits'),
    [
        (np.array([[0, 300]], np.uint16), 8),
        (np.array([[0, 70_000]], np.uint32), 16),
        (np.array([[-1, 3]], np.int16), 16),
        (np.array([[0.5]], np.float32), 16),
    ],
)
def test_values_are_never_cast_blindly(image: np.ndarray, bits: int):
    with pytest.raises(BadDataError, match='do not fit into'):
        keep_values(image, bits)
