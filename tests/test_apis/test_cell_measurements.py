import numpy as np
import pytest

from cupre_mm.apis import cell_measurements
from cupre_mm.apis.cell_measurements import (
    measure_cells,
    measure_shape,
    measurement_columns,
)
from cupre_mm.apis.source_info import array_source_info
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError
from tests.segmented_cells import odd_cells

DISC = np.hypot(*np.mgrid[-50:51, -50:51]) <= 50


def test_a_disc_has_the_size_of_a_disc():
    values = measure_shape(CroppedMask(10, 20, DISC), (0.5, 0.5))
    assert values['area_px'] == DISC.sum()
    assert values['area_um2'] == DISC.sum() / 4
    assert (values['centroid_y_px'], values['centroid_x_px']) == (60, 70)
    assert values['centroid_x_um'] == 35
    assert values['equivalent_diameter_px'] == pytest.approx(100, rel=0.01)
    assert values['major_axis_um'] == pytest.approx(50, rel=0.01)
    assert values['eccentricity'] == pytest.approx(0, abs=1e-3)
    assert values['solidity'] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (9, 1)])
def test_a_line_of_pixels_is_solid(shape):
    values = measure_shape(CroppedMask(0, 0, np.ones(shape, bool)), None)
    assert values['solidity'] == 1
    assert np.isfinite(list(values.values())).all()
    assert not any('um' in name for name in values)


def test_pixels_that_are_not_square_have_no_perimeter_in_um():
    values = measure_shape(CroppedMask(0, 0, DISC), (1.0, 0.5))
    assert 'perimeter_um' not in values
    assert values['major_axis_um'] == pytest.approx(100, rel=0.01)
    assert values['minor_axis_um'] == pytest.approx(50, rel=0.01)


def test_bands_of_rows_change_nothing(monkeypatch):
    cells = odd_cells()
    image = np.random.default_rng(0).integers(0, 9999, (*cells.shape, 3))
    source = array_source_info(image, (0.5, 0.5))
    whole = measure_cells(cells, source)
    assert list(whole[0]) != []
    assert set(whole[0]) == set(measurement_columns(source.channels))
    monkeypatch.setattr(cell_measurements, '_BAND_PIXELS', 3 * 80)
    assert measure_cells(cells, source) == whole
    for values, mask in zip(whole, cells.masks):
        inside = image[mask.place][mask.pixels]
        assert values['intensity_min_green'] == inside[:, 1].min()
        assert values['intensity_mean_blue'] == pytest.approx(
            inside[:, 2].mean()
        )


def test_an_image_of_another_size():
    with pytest.raises(BadDataError, match=r'\(5, 5\)'):
        measure_cells(odd_cells(), array_source_info(np.zeros((5, 5))))
