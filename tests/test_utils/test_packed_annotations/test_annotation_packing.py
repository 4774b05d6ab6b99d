import copy

import pytest

from cupre_mm.utils.packed_annotations.annotation_packing import (
    pack_annotations,
    unpack_annotations,
)


def _exact(value):
    """Tell 1 from 1.0 and 0.0 from -0.0, whatever the order of keys."""
    if isinstance(value, dict):
        return sorted((key, _exact(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return value.hex() if isinstance(value, float) else repr(value)


def _annotation(segmentation, **other):
    return dict(
        id=3, bbox=[0.1, 2, 3.5, -0.0], segmentation=segmentation, **other
    )


POLYGONS = {
    'two decimals': [[339.51, 280.0, 12.07, 0.0, 704.0, 519.99]],
    'whole numbers': [[0, 7, 12, 300, 8, 9], [1, 2, 3, 4, 5, 6]],
    'both': [[0, 7.5, 12.0, 300, 8, 9.25]],
    'both, with more decimals': [[0, 7.123456789, 2**53 - 1, 300.1, 8, 9]],
    'negative zero': [[-0.0, 1.5, 2.5, 3.5, 4.5, 5.5]],
    'small and large': [[1e-300, 1.7e308, 5e-324, 21474836.48, 1.0, -2.5]],
    'infinite': [[float('inf'), 1.0, 2.0, float('-inf'), 4.0, 5.0]],
    'empty': [[], [1.5, 2.5]],
    'none': [],
}
# What cannot be packed stays json.
ODD = {
    'whole number beyond float64': [[2**53 + 1, 1, 2, 3, 4, 5]],
    'huge whole number': [[10**400, 1, 2, 3, 4, 5]],
    'text': [['1', 2, 3, 4, 5, 6]],
    'truth value': [[True, 2, 3, 4, 5, 6]],
    'nested': [[[1, 2], [3, 4], [5, 6]]],
    'flat': [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
    'compressed run lengths': {'size': [4, 6], 'counts': 'a\\b"0'},
    'run lengths': {'size': [4, 6], 'counts': [3, 4, 17]},
    'nothing': None,
}


@pytest.mark.parametrize('among_others', [True, False])
@pytest.mark.parametrize('name', [*POLYGONS, *ODD])
def test_annotations_come_back_bit_by_bit(name, among_others):
    segmentation = (POLYGONS | ODD)[name]
    annotations = [
        _annotation(segmentation, name='Zellkörper'),
        {'id': 4, 'bbox': []},
        _annotation([[1.25, 2.5, 3.75, 4.0, 5.0, 6.5]]),
    ]
    if not among_others:
        del annotations[1:]
    expected = copy.deepcopy(annotations)
    data = pack_annotations(annotations)
    for given in (data, memoryview(data)):
        assert _exact(unpack_annotations(given)) == _exact(expected)


def test_all_kinds_together_and_none():
    parts = [*POLYGONS.values(), *ODD.values()]
    annotations = [_annotation(part) for part in parts]
    expected = copy.deepcopy(annotations)
    data = pack_annotations(annotations)
    assert _exact(unpack_annotations(data)) == _exact(expected)
    assert unpack_annotations(pack_annotations([])) == []


def test_two_decimals_take_four_bytes_and_others_eight():
    few = [_annotation([[0.25] * 1000])]
    many = [_annotation([[0.123456] * 1000])]
    assert len(pack_annotations(few)) < 4200
    assert 8000 < len(pack_annotations(many)) < 8200
