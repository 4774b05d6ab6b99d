from dataclasses import replace

import numpy as np
import pytest

from cupre_mm.apis.exporters.class_names import class_names
from tests.segmented_cells import odd_cells


@pytest.mark.parametrize(
    ('known', 'labels', 'expected'),
    [
        (('nucleus',), [0], ('nucleus',)),
        ((), [0], ('cell',)),
        ((), [], ('cell',)),
        (('a', 'b'), [0], ('a', 'b')),
        (('a',), [2, 0], ('a', 'class 1', 'class 2')),
        ((), [1], ('class 0', 'class 1')),
    ],
)
def test_each_class_has_a_name(known, labels, expected):
    cells = replace(odd_cells(), classes=known, labels=np.array(labels, int))
    assert class_names(cells) == expected
