"""Only what pycocotools can be trusted with passes."""

import numpy as np
import pytest
from pycocotools import mask as rle_tools

from cupre_mm.utils.mask_checks import (
    FARTHEST,
    LARGEST_SIDE,
    are_finite,
    fills_image,
    is_polygon,
    is_side,
)

PIXELS = 24 * 32


def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    noise = [rng.random((24, 32)) < share for share in (0.01, 0.5, 0.99)]
    return [*noise, np.zeros((24, 32), bool), np.ones((24, 32), bool)]


@pytest.mark.parametrize('mask', masks())
def test_codes_of_pycocotools_pass_whole_and_no_shorter(mask: np.ndarray):
    code = rle_tools.encode(np.asfortranarray(mask, np.uint8))['counts']
    assert fills_image(code, PIXELS)
    assert fills_image(code.decode(), PIXELS)
    assert not fills_image(code, PIXELS + 1)
    # Whole numbers may end early: what is left does not fill the image.
    assert not any(fills_image(code[:n], PIXELS) for n in range(len(code)))
    assert not fills_image(code + code, PIXELS)


@pytest.mark.parametrize(
    'counts',
    [
        '',
        '0',
        'a\0b',
        '\u00e9',
        '\ud800',
        '5:T3IVa',
        # More characters than 32 bits have: their bits would wrap round.
        'P' * 7 + '0',
        'o' * 20 + 'O',
        None,
        7,
        {},
        [5, 10, 100, 3, -650],
        [-5, PIXELS + 5],
        [PIXELS - 0.5, 0.5],
        [True, PIXELS - 1],
        [10**400],
        [[PIXELS]],
        ['768'],
    ],
)
def test_what_is_no_code_of_the_image_is_refused(counts):
    assert not fills_image(counts, PIXELS)


def test_list_of_runs_that_adds_up_passes():
    assert fills_image([5, 10, 100, 3, 650], PIXELS)
    assert fills_image([PIXELS], PIXELS)


@pytest.mark.parametrize(
    ('polygon', 'good'),
    [
        ([0, 0, 4, 0, 4, 4], True),
        ([-3.5, 0, FARTHEST, 0, 4, -FARTHEST], True),
        ([0, 0, 4, 0, 4], False),
        ([0, 0, 4, 0, 4, 4, 4], False),
        ([0, 0, 4, 0, 4, FARTHEST + 1], False),
        ([0, 0, 4, 0, 4, 1e18], False),
        ([-1e300, 0, 4, 0, 4, 1e300], False),
        ([0, float('nan'), 4, 0, 4, 4], False),
        ([0, float('inf'), 4, 0, 4, float('-inf')], False),
        ([0, 10**400, 4.5, 0, 4, 4], False),
        ([0, '4', 4, 0, 4, 4], False),
        ([0, None, 4, 0, 4, 4], False),
        ([[0], 0, 4, 0, 4, 4], False),
        ('0,0,4,0,4,4', False),
        (None, False),
    ],
)
def test_polygons_are_numbers_near_the_image(polygon, good: bool):
    assert is_polygon(polygon) is good


@pytest.mark.parametrize(
    ('value', 'good'),
    [
        (1, True),
        (LARGEST_SIDE, True),
        (LARGEST_SIDE + 1, False),
        (0, False),
        (True, False),
        (24.0, False),
        (float('inf'), False),
        ('24', False),
        (None, False),
    ],
)
def test_sides_are_whole_positive_numbers(value, good: bool):
    assert is_side(value) is good


def test_numbers_that_no_float_holds_are_not_finite():
    assert are_finite([1, 2.5, -3])
    assert not are_finite([1.0, 10**400])
    assert not are_finite([1.0, float('inf')])
    assert not are_finite([float('nan')])
