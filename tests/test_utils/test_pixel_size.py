import numpy as np
import pytest
import tifffile

from cupre_mm.utils.pixel_size import read_pixel_size

IMAGE = np.arange(48, dtype=np.uint16).reshape(6, 8)


def size_of(path, series=0):
    with tifffile.TiffFile(path) as tiff:
        return read_pixel_size(tiff, series)


@pytest.mark.parametrize(
    ('unit', 'value'), [('µm', 0.65), ('nm', 650.0), ('mm', 0.00065)]
)
def test_ome_sizes_are_read_in_any_unit(tmp_path, unit, value):
    path = tmp_path / 'a.ome.tif'
    metadata = {
        'axes': 'YX',
        'PhysicalSizeX': value,
        'PhysicalSizeXUnit': unit,
        'PhysicalSizeY': 2 * value,
        'PhysicalSizeYUnit': unit,
    }
    tifffile.imwrite(path, IMAGE, metadata=metadata)
    assert size_of(path) == pytest.approx((1.3, 0.65))


def test_each_ome_series_has_its_own_size(tmp_path):
    path = tmp_path / 'a.ome.tif'
    with tifffile.TiffWriter(path) as tiff:
        for size, shape in ((0.5, (6, 8)), (2.0, (3, 4))):
            metadata = {'axes': 'YX'}
            metadata |= {f'PhysicalSize{axis}': size for axis in 'XY'}
            tiff.write(np.ones(shape, np.uint8), metadata=metadata)
    assert size_of(path, 0) == (0.5, 0.5)
    assert size_of(path, 1) == (2.0, 2.0)


@pytest.mark.parametrize('unit', ['micron', 'um', '\\u00B5m'])
def test_imagej_sizes_are_read_from_resolution_and_unit(tmp_path, unit):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(
        path,
        IMAGE,
        imagej=True,
        resolution=(1 / 0.25, 1 / 0.5),
        metadata={'unit': unit},
    )
    assert size_of(path) == pytest.approx((0.5, 0.25))


def test_resolution_tags_are_read_in_centimetres_and_inches(tmp_path):
    for unit, length in (('CENTIMETER', 1e4), ('INCH', 25400)):
        path = tmp_path / f'{unit}.tif'
        resolution = (length / 0.65, length / 0.65)
        tifffile.imwrite(
            path, IMAGE, resolution=resolution, resolutionunit=unit
        )
        assert size_of(path) == pytest.approx((0.65, 0.65))


@pytest.mark.parametrize('dots', [72, 96, 300, 1200])
def test_the_resolution_of_a_print_is_no_pixel_size(tmp_path, dots):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(
        path, IMAGE, resolution=(dots, dots), resolutionunit='INCH'
    )
    assert size_of(path) is None


def test_files_that_tell_nothing_have_no_size(tmp_path):
    for name, options in (
        ('plain.tif', {}),
        ('imagej.tif', {'imagej': True}),
        ('pixels.tif', {'imagej': True, 'metadata': {'unit': 'pixel'}}),
        ('a.ome.tif', {}),
    ):
        tifffile.imwrite(tmp_path / name, IMAGE, **options)
        assert size_of(tmp_path / name) is None


@pytest.mark.parametrize('value', [0, -1.0, float('nan'), float('inf')])
def test_sizes_that_cannot_be_are_none(tmp_path, value):
    path = tmp_path / 'a.ome.tif'
    metadata = {f'PhysicalSize{axis}': value for axis in 'XY'}
    tifffile.imwrite(path, IMAGE, metadata={'axes': 'YX', **metadata})
    assert size_of(path) is None
