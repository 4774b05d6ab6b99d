from itertools import pairwise

import numpy as np
import pytest

from cupre_mm.apis.tile_grid import aligned_step, make_grid
from cupre_mm.utils.errors import BadConfigError

SHAPES = [(1, 1), (31, 2000), (700, 850), (1024, 1025), (999, 2001)]
CUTS = [
    (1024, 128, 1.0),
    (256, 64, 1.0),
    (256, 0, 1.0),
    (320, 128, 0.5),
    (256, 96, 64 / 45),
    (256, 64, 0.739),
    (512, 128, 3.7),
]


def tiles_of(grid) -> list:
    return [t for row in range(len(grid.rows)) for t in grid.tiles_of_row(row)]


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize(('tile', 'overlap', 'factor'), CUTS)
def test_each_pixel_has_one_core_and_neighbours_share_what_was_asked(
    shape, tile, overlap, factor
):
    grid = make_grid(shape, factor, tile, overlap)
    tiles = tiles_of(grid)
    assert len(tiles) == len(grid)
    rng = np.random.default_rng(0)
    for y, x in rng.random((50, 2)) * shape:
        (owner,) = [one for one in tiles if one.answers_for((y, x))]
        assert owner.top <= y < owner.bottom
        assert owner.left <= x < owner.right
    for spans, length in ((grid.rows, shape[0]), (grid.columns, shape[1])):
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        for (_, end), (start, _) in pairwise(spans):
            assert end - start >= overlap / factor - 0.5
    # What goes through the network stays about the size that was asked for.
    largest = max(max(one.shape) for one in tiles) * factor
    assert largest <= tile + 32 * factor + overlap / 2


@pytest.mark.parametrize('factor', [1.0, 0.5, 2.0, 64 / 65, 64 / 45])
def test_tiles_start_on_the_network_s_coarsest_grid(factor):
    grid = make_grid((3000, 3000), factor, 512, 128)
    starts = np.array([start for start, _ in grid.rows]) * factor
    assert len(starts) > 2
    np.testing.assert_allclose(starts % 32, 0, atol=1e-6)


def test_odd_magnification_does_not_inflate_tiles():
    assert aligned_step(17 / 23, 87) == 43
    assert aligned_step(17 / 23, 1000) == 736


def test_tiles_are_no_larger_than_as_many_must_be():
    grid = make_grid((4096, 1536), 1.0, 1024, 128)
    assert grid.rows == (
        (0, 928),
        (800, 1728),
        (1600, 2528),
        (2368, 3296),
        (3168, 4096),
    )
    assert grid.columns == ((0, 832), (704, 1536))


def test_image_of_a_tile_s_size_is_one_tile_without_inner_sides():
    grid = make_grid((512, 300), 1.0, 512, 128)
    (tile,) = tiles_of(grid)
    assert tile.shape == (512, 300)
    assert tile.inner == (False,) * 4
    assert tile.inset(0, 0, 512, 300) == float('inf')


def test_inset_counts_inner_sides_alone():
    first, second = make_grid((100, 256), 1.0, 192, 64).tiles_of_row(0)
    assert first.inset(0, 0, 100, 148) == 12
    assert second.inset(0, 96, 100, 256) == 0


def test_batches_are_neighbours_of_one_shape():
    grid = make_grid((500, 1000), 1.0, 256, 64)
    for row in range(len(grid.rows)):
        batches = list(grid.batches_of_row(row, 2))
        assert [t for batch in batches for t in batch] == list(
            grid.tiles_of_row(row)
        )
        assert all(len(batch) <= 2 for batch in batches)
        assert all(len({t.shape for t in batch}) == 1 for batch in batches)


@pytest.mark.parametrize(('tile', 'overlap'), [(256, 128), (31, 0), (64, -1)])
def test_tiles_that_are_mostly_overlap_are_refused(tile, overlap):
    with pytest.raises(BadConfigError, match=f'tile={tile} with overlap='):
        make_grid((100, 100), 1.0, tile, overlap)
