import numpy as np
import pytest
from skimage.draw import polygon2mask

from cupre_mm.utils.cropped_masks import CroppedMask, crop_mask
from cupre_mm.utils.mask_outlines import outlines_of


def fill(outlines, shape):
    """By the even-odd rule, at the centres of pixels."""
    inside = np.zeros(shape, bool)
    row, column = np.mgrid[: shape[0], : shape[1]]
    for outline in outlines:
        for ring in (outline.exterior, *outline.holes):
            ends = np.roll(ring, -1, axis=0)
            for (x0, y0), (x1, y1) in zip(ring, ends):
                if y0 == y1:
                    over = (min(x0, x1) <= column) & (column < max(x0, x1))
                    inside ^= over & (row >= y0)
    return inside


def test_the_outline_of_one_pixel_is_its_four_corners():
    (outline,) = outlines_of(CroppedMask(3, 7, np.ones((1, 1), bool)))
    assert outline.exterior.tolist() == [[7, 3], [8, 3], [8, 4], [7, 4]]
    assert outline.holes == []


def test_straight_sides_have_no_points_between_their_ends():
    (outline,) = outlines_of(CroppedMask(0, 0, np.ones((30, 50), bool)))
    assert len(outline.exterior) == 4


def test_a_ring_has_one_hole_the_other_way_round():
    pixels = np.ones((5, 5), bool)
    pixels[2, 2] = False
    (outline,) = outlines_of(CroppedMask(0, 0, pixels))
    (hole,) = outline.holes
    assert hole.tolist() == [[3, 2], [2, 2], [2, 3], [3, 3]] or sorted(
        hole.tolist()
    ) == [[2, 2], [2, 3], [3, 2], [3, 3]]
    x, y = hole.T
    assert x @ np.roll(y, -1) - y @ np.roll(x, -1) < 0


def test_pixels_that_touch_by_the_corner_are_two_pieces():
    outlines = outlines_of(CroppedMask(0, 0, np.eye(2, dtype=bool)))
    assert [len(one.exterior) for one in outlines] == [4, 4]


def test_a_piece_in_the_hole_of_another_keeps_its_own_hole():
    pixels = np.zeros((11, 11), bool)
    for inset in (0, 1, 2, 3, 4):
        pixels[inset : 11 - inset, inset : 11 - inset] = inset % 2 == 0
    outlines = outlines_of(CroppedMask(0, 0, pixels))
    assert [len(one.holes) for one in outlines] == [1, 1, 0]
    for one in outlines[:2]:
        assert one.holes[0].min() == one.exterior.min() + 1


@pytest.mark.parametrize('share', [0.3, 0.5, 0.7, 0.9])
def test_filling_the_outlines_of_noise_gives_it_back(share):
    draws = np.random.default_rng(0)
    for _ in range(60):
        pixels = draws.random(draws.integers(1, 12, 2)) < share
        mask = crop_mask(pixels)
        if mask is None:
            continue
        outlines = outlines_of(mask)
        assert (fill(outlines, pixels.shape) == pixels).all()
        for one in outlines:
            for ring in (one.exterior, *one.holes):
                # No ring comes back to a point.
                assert len(np.unique(ring, axis=0)) == len(ring)
            for hole in one.holes:
                assert (hole >= one.exterior.min(axis=0)).all()
                assert (hole <= one.exterior.max(axis=0)).all()


def test_another_library_fills_a_disc_alike():
    pixels = np.hypot(*np.mgrid[-20:21, -20:21]) < 18.3
    (outline,) = outlines_of(CroppedMask(0, 0, pixels))
    corners = outline.exterior[:, ::-1] - 0.5
    assert (polygon2mask((41, 41), corners)[1:-1] == pixels[1:-1]).all()
