from pathlib import Path

import numpy as np
import pytest
import tifffile

from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.plane_selection import (
    PlaneSelection,
    merge_channels,
    missing_planes,
    plan_images,
    read_one,
    read_planned,
)

STACK = np.random.default_rng(0).integers(
    0, 4000, (2, 5, 3, 12, 16), np.uint16
)
ALL = slice(0, 12)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two points in time, five planes, three channels."""
    file = tmp_path / 'stack.tif'
    tifffile.imwrite(file, STACK, imagej=True, metadata={'axes': 'TZCYX'})
    return file


def images_of(path: Path, **choices) -> dict[str, np.ndarray]:
    with open_stack(path) as stack:
        return {
            planned.suffix: merge_channels(read_planned(stack, planned, ALL))
            for planned in plan_images(stack.layout, PlaneSelection(**choices))
        }


def test_split_makes_an_image_of_every_plane_and_channel(path: Path):
    images = images_of(path, t='split', z='split', channel='split')
    assert len(images) == 30
    np.testing.assert_array_equal(images['_t001_z003_c2'], STACK[1, 3, 2])


@pytest.mark.parametrize(
    ('z', 'expected'),
    [
        ('max', STACK[1, :, 2].max(0)),
        ('mean', np.rint(STACK[1, :, 2].mean(0)).astype(np.uint16)),
        ('middle', STACK[1, 2, 2]),
        (4, STACK[1, 4, 2]),
        (0, STACK[1, 0, 2]),
    ],
)
def test_projections_and_single_planes(path: Path, z, expected):
    images = images_of(path, t=1, z=z, channel=2)
    assert list(images) == ['']
    assert images[''].dtype == np.uint16
    np.testing.assert_array_equal(images[''], expected)


def test_two_axes_are_projected_one_after_the_other(path: Path):
    images = images_of(path, t='max', z='mean', channel='split')
    means = np.rint(STACK[:, :, 1].mean(1)).astype(np.uint16)
    np.testing.assert_array_equal(images['_c1'], means.max(0))


def test_a_projection_passes_over_nan(tmp_path: Path):
    planes = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    planes[0, 0, 0], planes[1, 2, 3] = np.nan, np.nan
    tifffile.imwrite(
        tmp_path / 'a.tif', planes, imagej=True, metadata={'axes': 'ZYX'}
    )
    brightest = images_of(tmp_path / 'a.tif', z='max')['']
    mean = images_of(tmp_path / 'a.tif', z='mean')['']
    assert (brightest[0, 0], brightest[2, 3]) == (12, 11)
    assert (mean[0, 0], mean[2, 3], mean[1, 1]) == (12, 11, 11)


def test_channels_are_merged_in_the_order_given(path: Path):
    merged = images_of(path, t=0, z=1, channel=(2, 0))['']
    np.testing.assert_array_equal(merged[..., 0], STACK[0, 1, 2])
    np.testing.assert_array_equal(merged[..., 1], STACK[0, 1, 0])
    assert not merged[..., 2].any()


def test_colour_images_cannot_be_merged():
    colour = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(BadDataError, match='cannot be merged'):
        merge_channels([colour, colour])
    assert merge_channels([colour]) is colour


@pytest.mark.parametrize(
    ('choices', 'message'),
    [
        ({'t': 0, 'channel': 0}, r'5 Z planes .*TZCYX, 2 x 5.*choose with z='),
        ({'z': 0, 'channel': 0}, r'2 points in time .*choose with t='),
        ({'t': 0, 'z': 0}, r'3 channels .*choose with channel=, a number, or'),
        ({'t': 2, 'z': 0, 'channel': 0}, r't=2, but the file has 2 points'),
        ({'t': 0, 'z': 0, 'channel': (0, 3)}, r'channel=3.* 3 channels'),
        ({'t': 0, 'z': 0, 'channel': 0, 'page': 1}, r'page=1.* 1 pages'),
    ],
)
def test_what_is_left_open_or_not_there_is_said(path: Path, choices, message):
    with (
        open_stack(path) as stack,
        pytest.raises(BadDataError, match=rf'stack\.tif: .*{message}'),
    ):
        read_one(stack, PlaneSelection(**choices))


def test_one_image_is_not_made_of_a_split(path: Path):
    with (
        open_stack(path) as stack,
        pytest.raises(BadConfigError, match='makes 5 images'),
    ):
        read_one(stack, PlaneSelection(t=0, z='split', channel=0))


@pytest.mark.parametrize(
    'choices',
    [
        {'z': 'maximum'},
        {'t': -1},
        {'page': 1.5},
        {'z': True},
        {'channel': 'max'},
        {'channel': (1,)},
        {'channel': (0, 1, 2, 3)},
        {'channel': (0, 'red')},
    ],
    ids=str,
)
def test_unknown_choices_are_refused(choices):
    with pytest.raises(BadConfigError, match=f'{next(iter(choices))}='):
        PlaneSelection(**choices)


def test_a_projection_goes_without_planes_that_were_not_recorded(
    tmp_path: Path,
):
    file, gray = tmp_path / 'a.ome.tif', {'photometric': 'minisblack'}
    planes = STACK[0, :, 0]
    tifffile.imwrite(file, planes, metadata={'axes': 'ZYX'}, **gray)
    with tifffile.TiffFile(file) as tiff:
        xml = tiff.ome_metadata.replace('SizeZ="5"', 'SizeZ="8"')
    tifffile.imwrite(
        file, planes, description=xml.encode(), metadata=None, **gray
    )
    with open_stack(file) as stack:
        [planned] = plan_images(stack.layout, PlaneSelection(z='mean'))
        assert missing_planes(stack, planned) == 3
        [mean] = read_planned(stack, planned, ALL)
        np.testing.assert_array_equal(mean, np.rint(planes.mean(0)))
        with pytest.raises(BadDataError, match='not in the file'):
            read_one(stack, PlaneSelection(z=7))
