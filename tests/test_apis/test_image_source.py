import numpy as np
import pytest
import tifffile

from cupre_mm.apis.image_source import ArrayImage, FileImage
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.intensity_scale import scale_between
from cupre_mm.utils.plane_selection import PlaneSelection, plan_images
from cupre_mm.utils.tiff_stacks import TiffStack


@pytest.mark.parametrize(
    'dtype', ['uint8', 'uint16', 'int16', 'int32', 'float32', 'float64']
)
def test_percentiles_are_those_of_the_whole_image(dtype):
    rng = np.random.default_rng(1)
    # Rows of several pieces, and a gradient from piece to piece.
    image = rng.gamma(2, 20, (900, 1300, 3)) + np.arange(900)[:, None, None]
    image = image.clip(0, 255).astype(dtype)
    limits = ArrayImage(image).limits(1, 99.8)
    np.testing.assert_allclose(limits, np.percentile(image, (1, 99.8)))
    np.testing.assert_array_equal(
        scale_between(image, limits, 8), stretch_to_uint8(image, 1, 99.8)
    )


def test_true_is_white():
    image = np.array([[True, False]])
    assert ArrayImage(image).rows(0, 1).tolist() == [[255, 0]]


def test_alpha_and_a_single_channel_are_dropped():
    image = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(ArrayImage(image).rows(0, 2), image[..., :3])
    one = ArrayImage(image[..., :1])
    np.testing.assert_array_equal(one.rows(1, 2), image[1:, :, 0])


def test_message_names_the_image():
    with pytest.raises(BadDataError, match=r'image 7 has the shape \(2, 3, 9'):
        ArrayImage(np.zeros((2, 3, 9)), 'image 7')


@pytest.mark.parametrize('compression', [None, 'zlib'])
@pytest.mark.parametrize('tile', [None, (64, 64)])
def test_rows_of_a_file_are_those_of_the_array(tmp_path, tile, compression):
    image = np.random.default_rng(2).integers(0, 9000, (300, 200), np.uint16)
    path = tmp_path / 'image.tif'
    layout = dict(tile=tile) if tile else dict(rowsperstrip=16)
    tifffile.imwrite(path, image, compression=compression, **layout)
    with open_stack(path) as stack:
        (planned,) = plan_images(stack.layout, PlaneSelection())
        source = FileImage(stack, planned)
        assert source.shape == (300, 200)
        for start, stop in ((0, 300), (13, 14), (60, 200)):
            np.testing.assert_array_equal(
                source.rows(start, stop), image[start:stop]
            )
        expected = ArrayImage(image).limits(1, 99)
        assert source.limits(1, 99) == expected


def test_file_is_read_about_once_for_its_percentiles(tmp_path, monkeypatch):
    path = tmp_path / 'image.tif'
    tifffile.imwrite(path, np.zeros((900, 300), np.uint8), tile=(64, 64))
    rows = []
    read = TiffStack.read

    def counted(self, *args):
        rows.append(args[-1])
        return read(self, *args)

    monkeypatch.setattr(TiffStack, 'read', counted)
    with open_stack(path) as stack:
        (planned,) = plan_images(stack.layout, PlaneSelection())
        FileImage(stack, planned).limits(1, 99)
    # One row tells how large it is.
    assert rows == [slice(0, 1), slice(1, 900)]
