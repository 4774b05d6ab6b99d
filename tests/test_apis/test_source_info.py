import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.apis.source_info import (
    SourceInfo,
    array_source_info,
    read_source_info,
)
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.plane_selection import PlaneSelection, plan_images


def test_a_plane_of_an_ome_stack_has_its_place_size_and_pixels(tmp_path):
    path = tmp_path / 'größe.ome.tif'
    stack = np.arange(2 * 3 * 6 * 8, dtype=np.uint16).reshape(2, 3, 6, 8)
    metadata = {'axes': 'CZYX', 'PhysicalSizeX': 0.5, 'PhysicalSizeY': 0.25}
    tifffile.imwrite(path, stack, metadata=metadata)
    with open_stack(path) as opened:
        selection = PlaneSelection(z='split', channel=1)
        planned = plan_images(opened.layout, selection)[2]
    source = read_source_info(path, planned)
    assert source.name == 'größe.ome.tif_z002'
    assert source.axes == 'CZYX'
    assert source.pixel_size == (0.25, 0.5)
    assert source.channels == ('',)
    with source.open_image() as image:
        assert (image.rows(1, 4) == stack[1, 2, 1:4]).all()


def test_a_stack_needs_to_be_told_which_plane(tmp_path):
    tifffile.imwrite(tmp_path / 'a.tif', np.ones((5, 6, 8), np.uint8))
    with pytest.raises(BadDataError, match='page'):
        read_source_info(tmp_path / 'a.tif')


def test_a_png_has_channels_and_no_pixel_size(tmp_path):
    path = tmp_path / 'a.png'
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(path)
    source = read_source_info(path)
    assert source.channels == ('red', 'green', 'blue')
    assert source.pixel_size is None


def test_an_image_in_memory_is_given_as_it_is():
    image = np.arange(20).reshape(4, 5)
    source = array_source_info(image, (0.5, 0.5))
    with source.open_image() as opened:
        assert (opened.rows(0, 4) == image).all()


@pytest.fixture
def two_series(tmp_path):
    """A file of two images of different shape."""
    path = tmp_path / 'two.tif'
    with tifffile.TiffWriter(path) as tiff:
        for seed, shape in enumerate([(24, 32), (30, 40)]):
            image = np.full(shape, seed, np.uint8)
            tiff.write(image, photometric='minisblack')
    return path


def test_images_of_two_series_have_names_of_their_own(two_series):
    sources = [read_source_info(two_series, series=i) for i in range(2)]
    assert [one.name for one in sources] == ['two.tif', 'two.tif_s1']
    with sources[1].open_image() as image:
        assert image.shape == (30, 40)
    named = read_source_info(two_series, series=1, suffix='')
    assert (named.name, named.series) == ('two.tif', 1)


@pytest.mark.parametrize('in_memory', [False, True])
@pytest.mark.parametrize('colour', [False, True])
def test_gray_images_stored_as_rgb_have_one_channel(
    tmp_path, in_memory, colour
):
    image = np.repeat(np.arange(30, dtype=np.uint8).reshape(5, 6, 1), 3, 2)
    image[4, 5, 1] += colour
    path = tmp_path / 'a.png'
    Image.fromarray(image).save(path)
    source = read_source_info(path, pixels=image if in_memory else None)
    rgb = ('red', 'green', 'blue')
    assert source.channels == rgb
    assert source.intensity_channels == (rgb if colour else ('',))


def test_channels_that_were_chosen_are_kept_though_equal(tmp_path):
    path = tmp_path / 'a.ome.tif'
    equal = np.ones((3, 6, 8), np.uint8)
    tifffile.imwrite(path, equal, metadata={'axes': 'CYX'})
    with open_stack(path) as stack:
        selection = PlaneSelection(channel=(0, 1, 2))
        (planned,) = plan_images(stack.layout, selection)
    source = read_source_info(path, planned)
    assert source.intensity_channels == ('c0', 'c1', 'c2')


def test_without_pixels_the_channels_are_not_looked_at():
    rgb = ('red', 'green', 'blue')
    assert SourceInfo(channels=rgb).intensity_channels == rgb
