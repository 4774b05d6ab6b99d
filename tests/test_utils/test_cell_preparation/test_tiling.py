import itertools

import pytest

from cupre_mm.utils.cell_preparation.tiling import tile_starts


@pytest.mark.parametrize(
    ('length', 'size', 'overlap'),
    list(
        itertools.product((1, 63, 64, 65, 100, 128, 200), (64,), (0, 16, 63))
    ),
)
def test_tiles_are_whole_cover_all_and_overlap(length, size, overlap):
    starts = tile_starts(length, size, overlap)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    covered = set()
    for start in starts:
        covered |= set(range(start, min(start + size, length)))
    assert covered == set(range(length))
    if length > size:
        assert starts[-1] + size == length
        for one, other in itertools.pairwise(starts):
            assert one + size - other >= overlap


def test_no_more_tiles_than_needed_spread_evenly():
    assert tile_starts(2048, 1024, 0) == [0, 1024]
    assert tile_starts(2049, 1024, 0) == [0, 512, 1025]
