import numpy as np
import pytest

from cupre_mm.apis.label_strips import label_strips
from tests.segmented_cells import odd_cells, segmentation_of


@pytest.mark.parametrize('rows', [1, 7, 20, 60, 100])
def test_strips_together_are_the_label_image(rows):
    cells = odd_cells()
    strips = list(label_strips(cells, rows))
    assert all(len(strip) == rows for strip in strips[:-1])
    assert (np.concatenate(strips) == cells.label_image()).all()


def test_strips_without_cells_are_zeros():
    strips = list(label_strips(segmentation_of([], (5, 4)), 2))
    assert [s.shape for s in strips] == [(2, 4), (2, 4), (1, 4)]
    assert not np.concatenate(strips).any()
