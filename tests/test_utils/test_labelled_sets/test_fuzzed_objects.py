"""Masks and boxes that fuzzing found."""

import pytest

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.coco_objects import _leaves, decode

PIXELS = 24 * 32


def test_code_with_more_characters_than_bits_is_refused():
    """pycocotools shifts the eighth group of five bits back to the first."""
    padded = 'P' * 7 + '0' + '5:T3IVa0'
    with pytest.raises(BadDataError, match='damaged'):
        decode({'size': [24, 32], 'counts': padded}, 24, 32)


def test_polygon_far_away_is_refused_before_it_is_drawn():
    """It took all memory: an edge is drawn point by point."""
    for corner in (1e18, -1e300, 2**70):
        with pytest.raises(BadDataError, match='not a list of numbers'):
            decode([[2, 2, 9, 2, 9, corner]], 24, 32)


def test_size_in_floats_decodes_as_whole_numbers():
    mask, _ = decode(
        {'size': [24.0, 32.0], 'counts': [5, 10, PIXELS - 15]}, 24, 32
    )
    assert mask.shape == (24, 32)
    assert mask.sum() == 10


def test_box_of_a_number_that_no_float_holds_leaves_the_image():
    assert _leaves([1.5, 2, 10**400, 3.5], 24, 32)
    assert not _leaves([1.5, 2, 3, 3.5], 24, 32)
