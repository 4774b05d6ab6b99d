from dataclasses import fields, replace

import pytest

from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.plane_selection import PlaneSelection

OTHERS = {
    'selection': PlaneSelection(z='max'),
    'series': 'split',
    'normalize': 'none',
    'percentiles': (0.0, 100.0),
    'percentiles_of': 'stack',
    'value_range': (0.0, 255.0),
    'bits': 16,
    'tile_size': 512,
    'tile_above': 2048,
    'tile_overlap': 64,
}


def test_every_option_changes_the_fingerprint():
    assert set(OTHERS) == {f.name for f in fields(PreparationOptions)}
    seen = {PreparationOptions().fingerprint}
    for name, value in OTHERS.items():
        change = {name: value}
        if name == 'value_range':
            change['normalize'] = 'range'
        seen.add(replace(PreparationOptions(), **change).fingerprint)
    assert len(seen) == len(OTHERS) + 1
    assert PreparationOptions().fingerprint in seen


@pytest.mark.parametrize(
    'change',
    [
        {'percentiles': (99.0, 1.0)},
        {'percentiles': (-1.0, 99.0)},
        {'normalize': 'range'},
        {'value_range': (0.0, 1.0)},
        {'normalize': 'range', 'value_range': (5.0, 5.0)},
        {'bits': 12},
        {'tile_size': -1},
        {'tile_above': 0},
        {'tile_overlap': 1024},
        {'series': 'all'},
        {'series': -1},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(change: dict):
    with pytest.raises(BadConfigError):
        PreparationOptions(**change)
