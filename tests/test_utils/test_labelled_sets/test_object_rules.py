import numpy as np
import pytest

from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.labelled_sets.object_rules import (
    ObjectMask,
    ObjectRules,
    components_of,
    cut_out,
)


def _mask(*rows):
    return np.array([[c == '#' for c in row] for row in rows])


def _apply(mask, others=None, **rules):
    """Kept masks put back into the image, and the cases."""
    kept, cases = ObjectRules(**rules).apply(
        cut_out(mask), *mask.shape, others
    )
    images = []
    for piece in kept:
        image = np.zeros(mask.shape, bool)
        rows, columns = piece.pixels.shape
        image[
            piece.top : piece.top + rows, piece.left : piece.left + columns
        ] = piece.pixels
        images.append(image)
    return images, cases


def _same(images, *expected):
    assert len(images) == len(expected)
    for image, mask in zip(images, expected):
        np.testing.assert_array_equal(image, mask)


def test_cut_out_is_tight_and_knows_its_place():
    mask = _mask('.....', '..#..', '.###.', '.....')
    cut = cut_out(mask, top=10, left=20)
    np.testing.assert_array_equal(cut.pixels, _mask('.#.', '###'))
    assert (cut.top, cut.left, cut.area) == (11, 21, 4)


TWO = _mask('.......', '.#..##.', '.#...#.', '.......')


@pytest.mark.parametrize(
    ('components', 'expected'),
    [
        ('keep', [TWO]),
        ('largest', [_mask('.......', '....##.', '.....#.', '.......')]),
        (
            'split',
            [
                _mask('.......', '.#.....', '.#.....', '.......'),
                _mask('.......', '....##.', '.....#.', '.......'),
            ],
        ),
    ],
)
def test_components_are_kept_reduced_or_split(components, expected):
    images, cases = _apply(TWO, components=components)
    _same(images, *expected)
    assert cases == ['objects_in_pieces']


def test_pixels_that_meet_at_a_corner_are_one_component():
    images, cases = _apply(
        _mask('....', '.#..', '..#.', '....'), components='split'
    )
    assert len(images) == 1
    assert cases == []


def test_components_come_in_reading_order():
    mask = _mask('....#', '....#', '#....', '..#..')
    places = [(p.top, p.left) for p in components_of(cut_out(mask))]
    assert places == [(0, 4), (2, 0), (3, 2)]


@pytest.mark.parametrize('side', range(4))
def test_a_pixel_in_the_outermost_row_or_column_cuts_the_object(side):
    mask = np.rot90(_mask('..#..', '..#..', '.....'), side)
    images, cases = _apply(mask)
    assert (len(images), cases) == (1, ['border_objects'])
    images, cases = _apply(mask, border='drop')
    assert (images, cases) == ([], ['border_objects'])


def test_an_object_one_pixel_off_the_border_is_not_cut():
    images, cases = _apply(_mask('....', '.##.', '....'), border='drop')
    assert (len(images), cases) == (1, [])


def test_small_objects_go_from_the_least_area_on():
    mask = _mask('.....', '.##..', '.....')
    assert len(_apply(mask, min_area=2)[0]) == 1
    assert _apply(mask, min_area=3) == ([], ['small_objects'])


def test_one_pixel_objects_are_kept_and_counted_by_default():
    images, cases = _apply(_mask('...', '.#.', '...'))
    assert (len(images), cases) == (1, ['one_pixel_objects'])


RING = _mask('......', '.####.', '.#..#.', '.####.', '......')


def test_holes_are_counted_and_filled_only_on_request():
    images, cases = _apply(RING)
    _same(images, RING)
    assert cases == ['objects_with_holes']
    filled = RING.copy()
    filled[2, 2:4] = True
    _same(_apply(RING, fill_holes=True)[0], filled)


def test_an_object_in_a_hole_is_not_filled_over():
    others = np.zeros((3, 4), bool)
    others[1, 1] = True
    images, _ = _apply(RING, others, fill_holes=True)
    expected = RING.copy()
    expected[2, 3] = True
    _same(images, expected)


def test_a_bay_that_opens_at_a_corner_is_a_hole_by_4_connectivity():
    mask = _mask('.....', '..##.', '.#.#.', '.###.', '.....')
    assert _apply(mask)[1] == ['objects_with_holes']
    assert _apply(_mask('.....', '.#.#.', '.###.', '.....'))[1] == []


def test_rules_follow_one_another():
    mask = _mask('#......', '.......', '...#...', '..#.#..', '...#...')
    images, cases = _apply(
        mask, components='split', border='drop', fill_holes=True, min_area=2
    )
    assert images == []
    assert cases == [
        'objects_with_holes',
        'objects_in_pieces',
        'border_objects',
        'border_objects',
    ]


def test_every_case_has_a_meaning_that_says_what_was_done():
    lax, strict = ObjectRules(), ObjectRules('split', 5, 'drop', True)
    assert 'kept' in lax.meanings()['border_objects']
    assert 'dropped' in strict.meanings()['border_objects']
    assert 'filled' in strict.meanings()['objects_with_holes']
    assert 'split' in strict.meanings()['objects_in_pieces']
    assert 'fewer than 5 pixels' in strict.meanings()['small_objects']


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        ({'components': 'all'}, "keep, largest, split, got 'all'"),
        ({'border': ''}, "keep, drop, got ''"),
        ({'min_area': 0}, '1 pixel or more, got 0'),
    ],
)
def test_unknown_rules_are_refused(rules, message):
    with pytest.raises(BadConfigError, match=message):
        ObjectRules(**rules)


def test_the_border_is_judged_in_the_image_and_not_in_the_cut():
    inner = ObjectMask(np.ones((2, 2), bool), 1, 1)
    assert not inner.touches_border(4, 4)
    assert inner.touches_border(3, 4)
    assert inner.touches_border(4, 3)
