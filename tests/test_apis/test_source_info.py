import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.apis.source_info import array_source_info, read_source_info
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
