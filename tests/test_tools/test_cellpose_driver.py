"""tools/analysis/peers/drivers/cellpose_driver.py, without Cellpose."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from tools.analysis.peers.drivers import cellpose_driver as driver


@pytest.fixture
def matched(monkeypatch):
    """Cellpose's metrics of two images with cells and one without."""
    metrics = SimpleNamespace(
        average_precision=lambda *_: (
            np.array([[0.5, 0.25, 0.0], [1.0, 0.75, 0.5], [np.nan] * 3]),
            np.array([[2, 1, 0], [4, 3, 2], [0, 0, 0]]),
            np.array([[1, 2, 3], [0, 1, 2], [0, 0, 0]]),
            np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0]]),
        ),
        aggregated_jaccard_index=lambda truth, found: [0.6] * len(truth),
    )
    package = SimpleNamespace(metrics=metrics)
    monkeypatch.setitem(sys.modules, 'cellpose', package)


def test_counts_stand_apart_from_the_shares(matched, tmp_path):
    for name, value in (('cells', 1), ('none', 0)):
        pixels = np.full((4, 4), value, np.int32)
        tifffile.imwrite(tmp_path / f'{name}.tif', pixels)
    names = ('cells', 'cells', 'none')
    paths = [str(tmp_path / f'{name}.tif') for name in names]
    own = driver.score({'truth': paths, 'found': paths})['own_metrics']
    assert own.pop('counts') == {
        'images': 3,
        'images_defined': 2,
        'tp_0.5': 6,
        'fp_0.5': 1,
        'fn_0.5': 1,
    }
    assert own['average_precision_0.5'] == 0.75
    assert own['average_precision_0.5_pooled'] == 6 / 8
    assert own['aji'] == 0.6
    assert all(0 <= value <= 1 for value in own.values())
