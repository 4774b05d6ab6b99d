import numpy as np
import pytest

from cupre_mm.apis.napari_plugin.layer_planes import (
    LayerPlanes,
    channel_choices,
)
from cupre_mm.utils.errors import BadConfigError, BadDataError


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


class RecordingArray:
    """An array of which only parts can be read, as of a file."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.most = 0

    def __getitem__(self, index: tuple) -> np.ndarray:
        part = self._array[index]
        self.most = max(self.most, part.size)
        return part

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise AssertionError('the whole array was read')


def test_plain_image_is_one_plane():
    image = ramp(5, 7)
    planes = LayerPlanes(image)
    assert len(planes) == 1
    assert list(planes.positions()) == [()]
    assert (planes.source(()).rows(1, 4) == image[1:4]).all()


def test_rows_of_a_large_array_are_all_that_is_read():
    stack = RecordingArray(ramp(3, 40, 6))
    source = LayerPlanes(stack).source((2,))
    assert source.rows(10, 12).shape == (2, 6)
    assert stack.most == 12


def test_percentiles_of_a_plane_are_those_of_no_other():
    stack = np.stack([np.zeros((8, 8)), np.full((8, 8), 9.0)])
    stack[1, 0, 0] = 5
    limits = LayerPlanes(stack).source((1,)).limits(0, 100)
    assert limits == (5, 9)


@pytest.mark.parametrize('axis', [0, 1, 2, 3])
def test_channel_axis_may_be_any(axis):
    data = ramp(2, 4, 5, 6)
    planes = LayerPlanes(data, channel_axis=axis, channels=(1,))
    one = np.take(data, 1, axis)
    assert len(planes) == one.shape[0]
    last = planes.source((one.shape[0] - 1,))
    assert (last.rows(0, last.shape[0]) == one[-1]).all()
    labels = np.zeros(planes.label_shape)
    assert labels[planes.place((0,))].shape == last.shape


def test_two_channels_become_red_and_green():
    data = ramp(3, 4, 5)
    planes = LayerPlanes(data, channel_axis=0, channels=(2, 0))
    merged = planes.source(()).rows(0, 4)
    assert (merged[..., 0] == data[2]).all()
    assert (merged[..., 1] == data[0]).all()
    assert not merged[..., 2].any()


def test_colours_lose_their_transparency_and_no_more():
    data = ramp(2, 4, 5, 4)
    planes = LayerPlanes(data, rgb=True)
    assert planes.shape == planes.label_shape == (2, 4, 5)
    assert (planes.source((1,)).rows(0, 4) == data[1, ..., :3]).all()


def test_one_colour_is_a_gray_image():
    data = ramp(4, 5, 3)
    planes = LayerPlanes(data, rgb=True, channels=(1,))
    assert (planes.source(()).rows(0, 4) == data[..., 1]).all()


def test_binary_image_holds_numbers():
    rows = LayerPlanes(np.eye(4, dtype=bool)).source(()).rows(0, 4)
    assert rows.dtype == np.uint8
    assert rows.sum() == 4


@pytest.mark.parametrize(
    ('point', 'position'),
    [
        ((1.4, 0, 9, 9), (1, 0)),
        ((-3, 7.6, 0, 0), (0, 3)),
        ((8, 2, 0, 0), (1, 2)),
    ],
)
def test_point_outside_lies_in_the_nearest_plane(point, position):
    assert LayerPlanes(ramp(2, 4, 5, 6)).position_at(point) == position


@pytest.mark.parametrize(
    ('shape', 'options', 'error'),
    [
        ((7,), {}, BadDataError),
        ((0, 7), {}, BadDataError),
        ((2, 7), dict(channel_axis=0), BadDataError),
        ((2, 7, 7), dict(channel_axis=3), BadConfigError),
        ((2, 7, 3), dict(channel_axis=0, rgb=True), BadConfigError),
        ((2, 7, 7), dict(channel_axis=0, channels=(2,)), BadConfigError),
        (
            (5, 7, 7),
            dict(channel_axis=0, channels=(0, 1, 2, 3)),
            BadConfigError,
        ),
    ],
)
def test_layer_without_image_is_refused_by_its_name(shape, options, error):
    with pytest.raises(error, match='layer seven'):
        LayerPlanes(np.zeros(shape), name='layer seven', **options)


def test_complex_values_are_no_intensities():
    with pytest.raises(BadDataError, match='complex64'):
        LayerPlanes(np.zeros((4, 4), np.complex64))


def test_choices_are_those_that_the_layer_has():
    gray = LayerPlanes(ramp(4, 5))
    colours = LayerPlanes(ramp(4, 5, 3), rgb=True)
    dyes = LayerPlanes(ramp(4, 5, 6), channel_axis=0)
    assert [value for _, value in channel_choices(gray)] == [None]
    assert [value for _, value in channel_choices(colours)] == [
        None,
        (0,),
        (1,),
        (2,),
    ]
    assert [value for _, value in channel_choices(dyes)] == [
        (0,),
        (1,),
        (2,),
        (3,),
        (0, 1),
        (0, 1, 2),
    ]
