import tracemalloc

import numpy as np
import pytest
import tifffile

from cupre_mm.apis.exporters import write_label_image
from cupre_mm.apis.source_info import SourceInfo, read_source_info
from cupre_mm.utils.cropped_masks import CroppedMask
from tests.segmented_cells import odd_cells, segmentation_of

DOT = np.ones((1, 1), bool)


@pytest.mark.parametrize('compress', [False, True])
def test_the_file_has_each_cell_pixel_by_pixel(tmp_path, compress):
    cells = odd_cells()
    path = write_label_image(
        cells, tmp_path / 'ü.tif', source=SourceInfo(), compress=compress
    )
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_imagej
        assert tiff.pages[0].compression == (8 if compress else 1)
        labels = tiff.asarray()
    assert labels.dtype == np.uint16
    assert (labels == cells.label_image()).all()
    assert labels.max() == len(cells)


def test_pixel_size_and_origin_of_the_source_are_kept(tmp_path):
    source = SourceInfo(pixel_size=(0.5, 0.25), axes='ZYX', suffix='_z001')
    path = write_label_image(odd_cells(), tmp_path / 'a.tif', source=source)
    read = read_source_info(path)
    assert read.pixel_size == pytest.approx((0.5, 0.25))
    assert read.axes == 'YX'
    with tifffile.TiffFile(path) as tiff:
        assert tiff.imagej_metadata['unit'] == 'micron'
        assert 'ZYX' in tiff.imagej_metadata['Info']


def test_70000_cells_are_uint32_with_their_pixel_size(tmp_path):
    places = [(2 * i, 2 * j) for i in range(250) for j in range(280)]
    cells = segmentation_of(
        [CroppedMask(i, j, DOT) for i, j in places], (500, 560)
    )
    source = SourceInfo(pixel_size=(0.65, 0.65))
    path = write_label_image(
        cells, tmp_path / 'a.tif', source=source, compress=True
    )
    labels = tifffile.imread(path)
    assert labels.dtype == np.uint32
    assert (labels == cells.label_image()).all()
    assert labels[498, 558] == 70_000
    assert read_source_info(path).pixel_size == pytest.approx((0.65, 0.65))


@pytest.mark.parametrize(
    'side', [4_000, pytest.param(20_000, marks=pytest.mark.slow)]
)
def test_a_large_image_takes_the_memory_of_a_strip(tmp_path, side):
    disc = np.hypot(*np.mgrid[-300:301, -300:301]) < 300
    masks = [
        CroppedMask(0, 0, disc),
        CroppedMask(side - 601, side - 601, disc),
    ]
    cells = segmentation_of(masks, (side, side))
    tracemalloc.start()
    path = write_label_image(
        cells, tmp_path / 'a.tif', source=SourceInfo(), compress=True
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The whole image has 32 or 800 MB.
    assert peak < 16 * 2**20
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.shape == (side, side)
        top, _, _ = next(page.segments())
    assert (top[0, :, :601, 0] == disc[: top.shape[1]]).all()


def test_the_series_of_the_source_is_told(tmp_path):
    path = tmp_path / 'two.tif'
    with tifffile.TiffWriter(path) as tiff:
        for shape in ((24, 32), (60, 80)):
            tiff.write(np.zeros(shape, np.uint8), photometric='minisblack')
    source = read_source_info(path, series=1)
    written = write_label_image(
        odd_cells(), tmp_path / 'label.tif', source=source
    )
    with tifffile.TiffFile(written) as tiff:
        info = tiff.imagej_metadata['Info']
    assert 'Cells of two.tif_s1;' in info
    assert 'series=1' in info
