import csv

import numpy as np
import pytest
from skimage.measure import regionprops

from cupre_mm.apis.exporters import write_table
from cupre_mm.apis.source_info import SourceInfo, array_source_info
from tests.segmented_cells import odd_cells


def rows_of(path):
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def test_values_are_those_of_skimage_on_the_label_image(tmp_path):
    cells = odd_cells(('Zelle ü',))
    image = np.random.default_rng(0).integers(0, 60000, cells.shape)
    source = array_source_info(image.astype(np.uint16), (0.5, 0.5))
    rows = rows_of(write_table(cells, tmp_path / 'ü.csv', source=source))
    regions = regionprops(cells.label_image(), image)
    assert len(rows) == len(regions) == len(cells)
    for row, region in zip(rows, regions):
        assert int(row['label']) == region.label
        assert row['class'] == 'Zelle ü'
        expected = {
            'area_px': region.area,
            'centroid_y_px': region.centroid[0],
            'centroid_x_px': region.centroid[1],
            'perimeter_px': region.perimeter,
            'eccentricity': region.eccentricity,
            'major_axis_px': region.axis_major_length,
            'minor_axis_px': region.axis_minor_length,
            'solidity': region.solidity,
            'intensity_mean': region.intensity_mean,
            'intensity_min': region.intensity_min,
            'intensity_max': region.intensity_max,
            'area_um2': region.area / 4,
            'perimeter_um': region.perimeter / 2,
            'centroid_x_um': region.centroid[1] / 2,
            'score': cells.scores[region.label - 1],
            'top': region.bbox[0],
            'right': region.bbox[3],
        }
        for name, value in expected.items():
            assert float(row[name]) == pytest.approx(value, abs=1e-5), name
    at_border = [row['label'] for row in rows if row['touches_border'] == '1']
    assert at_border == ['3', '5', '7']


def test_without_pixel_size_and_image_their_columns_are_empty(tmp_path):
    cells = odd_cells()
    path = write_table(cells, tmp_path / 'a.csv', source=SourceInfo())
    for row in rows_of(path):
        empty = {name for name, value in row.items() if value == ''}
        assert empty == {
            name
            for name in row
            if '_um' in name or name.startswith('intensity')
        }


def test_pixels_that_are_not_square_have_no_perimeter_in_um(tmp_path):
    cells = odd_cells()
    source = SourceInfo(pixel_size=(2.0, 0.5))
    row = rows_of(write_table(cells, tmp_path / 'a.csv', source=source))[0]
    assert row['perimeter_um'] == ''
    assert float(row['area_um2']) == float(row['area_px'])
    assert float(row['centroid_y_um']) == 2 * float(row['centroid_y_px'])
    assert float(row['major_axis_um']) == pytest.approx(
        4 * float(row['minor_axis_um']), rel=0.05
    )


def test_channels_have_columns_of_their_own(tmp_path):
    cells = odd_cells()
    image = np.zeros((*cells.shape, 3), np.uint8)
    image[..., 1] = 7
    source = array_source_info(image)
    row = rows_of(write_table(cells, tmp_path / 'a.csv', source=source))[0]
    assert row['intensity_mean_green'] == '7'
    assert row['intensity_max_red'] == '0'


def test_a_gray_image_stored_as_rgb_has_one_column_each(tmp_path):
    cells = odd_cells()
    gray = np.random.default_rng(0).integers(0, 255, cells.shape, np.uint8)
    tables = []
    for name, image in (('gray', gray), ('rgb', np.stack([gray] * 3, -1))):
        path = tmp_path / f'{name}.csv'
        write_table(cells, path, source=array_source_info(image))
        tables.append(path.read_text())
    assert tables[0] == tables[1]
    assert 'intensity_mean,' in tables[0]
    assert 'red' not in tables[1]
