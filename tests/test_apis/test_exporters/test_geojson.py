import json

import numpy as np
import pytest

from cupre_mm.apis.exporters import write_geojson
from cupre_mm.apis.source_info import SourceInfo
from tests.segmented_cells import odd_cells
from tests.test_apis.test_exporters.test_imagej_rois import fill


def test_polygons_fill_each_cell_and_are_detections(tmp_path):
    cells = odd_cells(('nucleus', 'Zelle ü'))
    source = SourceInfo(pixel_size=(0.5, 0.5))
    path = write_geojson(cells, tmp_path / 'ü.geojson', source=source)
    read = json.loads(path.read_text(encoding='utf-8'))
    assert read['type'] == 'FeatureCollection'
    assert len(read['features']) == len(cells)
    labels = cells.label_image()
    for i, feature in enumerate(read['features']):
        geometry = feature['geometry']
        polygons = geometry['coordinates']
        if geometry['type'] == 'Polygon':
            polygons = [polygons]
        rings = [np.array(ring) for one in polygons for ring in one]
        assert all((ring[0] == ring[-1]).all() for ring in rings)
        filled = fill([ring[:-1] for ring in rings], cells.shape)
        assert (filled == (labels == i + 1)).all()
        properties = feature['properties']
        assert properties['objectType'] == 'detection'
        names = ('nucleus', 'Zelle ü')
        assert properties['classification']['name'] == names[i % 2]
        values = properties['measurements']
        assert values['label'] == i + 1
        assert values['score'] == pytest.approx(cells.scores[i], abs=1e-6)
        assert values['area_um2'] == values['area_px'] / 4
    assert read['features'][1]['geometry']['type'] == 'Polygon'
    assert len(read['features'][1]['geometry']['coordinates']) == 2
    assert read['features'][2]['geometry']['type'] == 'MultiPolygon'
