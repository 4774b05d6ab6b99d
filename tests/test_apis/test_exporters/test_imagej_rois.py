import numpy as np
import pytest
from roifile import ROI_TYPE, roiread

from cupre_mm.apis.exporters import write_rois
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.errors import BadDataError
from tests.segmented_cells import odd_cells, segmentation_of


def fill(rings, shape):
    """By the even-odd rule, at the centres of pixels, as ImageJ does."""
    inside = np.zeros(shape, bool)
    row, column = np.mgrid[: shape[0], : shape[1]]
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0)):
            if y0 == y1:
                over = (min(x0, x1) <= column) & (column < max(x0, x1))
                inside ^= over & (row >= y0)
    return inside


def test_roifile_reads_regions_that_fill_each_cell(tmp_path):
    cells = odd_cells()
    path = write_rois(cells, tmp_path / 'ü.zip', source=SourceInfo())
    rois = roiread(path)
    names = [f'{n:04d}' for n in range(1, len(cells) + 1)]
    assert [roi.name for roi in rois] == names
    labels = cells.label_image()
    for number, roi in enumerate(rois, start=1):
        rings = roi.coordinates(multi=True)
        rings = rings if isinstance(rings, list) else [rings]
        assert (fill(rings, cells.shape) == (labels == number)).all()
    kinds = [roi.roitype for roi in rois]
    assert kinds[0] == ROI_TYPE.POLYGON
    # A ring, and a cell of two pieces, are composite regions.
    assert kinds[1] == kinds[2] == ROI_TYPE.RECT
    assert rois[1].composite
    assert (rois[1].top, rois[1].left) == (
        cells.masks[1].top,
        cells.masks[1].left,
    )


def test_images_beyond_16_bits_are_refused(tmp_path):
    with pytest.raises(BadDataError, match='32767'):
        write_rois(
            segmentation_of([], (10, 40_000)),
            tmp_path / 'a.zip',
            source=SourceInfo(),
        )
    assert list(tmp_path.iterdir()) == []
