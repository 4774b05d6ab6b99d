"""Cell layouts and the looks they are rendered in."""

import numpy as np
import pytest
from scipy import ndimage

from cupre_mm.utils.demo_data import fluorescence_look
from cupre_mm.utils.demo_data.cell_layout import CellLayout, grow_layout
from cupre_mm.utils.demo_data.cell_pictures import LOOKS, draw_cells

SHAPE = (112, 128)


def crowded_layout(seed: int = 0) -> CellLayout:
    rng = np.random.default_rng(seed)
    return grow_layout(rng, SHAPE, 25, 0.35, fluorescence_look.STYLE)


def adjacent_pairs(labels: np.ndarray) -> set[tuple[int, int]]:
    pairs = set()
    for one, other in (
        (labels[1:], labels[:-1]),
        (labels[:, 1:], labels[:, :-1]),
    ):
        meet = (one != other) & (one > 0) & (other > 0)
        pairs |= {
            (min(a, b), max(a, b))
            for a, b in zip(one[meet].tolist(), other[meet].tolist())
        }
    return pairs


def test_every_label_is_one_connected_cell() -> None:
    layout = crowded_layout()
    assert layout.labels.max() == len(layout.outlines)
    for label in range(1, len(layout.outlines) + 1):
        _, pieces = ndimage.label(layout.labels == label)
        assert pieces == 1


def test_crowded_cells_touch() -> None:
    assert len(adjacent_pairs(crowded_layout().labels)) >= 3


def test_margin_is_positive_inside_and_zero_outside() -> None:
    layout = crowded_layout()
    assert (layout.margin[layout.labels > 0] >= 1).all()
    assert (layout.margin[layout.labels == 0] == 0).all()


def test_margin_drops_where_two_cells_touch() -> None:
    layout = crowded_layout()
    one, other = layout.labels[:, 1:], layout.labels[:, :-1]
    meet = (one != other) & (one > 0) & (other > 0)
    assert meet.any()
    assert layout.margin[:, 1:][meet].max() == 1


@pytest.mark.parametrize('look', LOOKS)
def test_look_gives_eight_bit_picture_of_the_asked_shape(look: str) -> None:
    rng = np.random.default_rng(3)
    picture = draw_cells(rng, look, SHAPE, (8, 12))
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape[:2] == SHAPE
    assert picture.pixels.ndim == (3 if look == 'stained' else 2)
    assert 8 <= len(picture.layout.outlines) <= 12


def test_fluorescent_nuclei_are_brighter_than_their_background() -> None:
    picture = draw_cells(
        np.random.default_rng(1), 'fluorescence', SHAPE, (8, 12), bits=16
    )
    cells = picture.layout.labels > 0
    inside = np.median(picture.pixels[cells])
    assert inside > 2 * np.median(picture.pixels[~cells])


def test_phase_cells_are_darker_than_the_halo_around_them() -> None:
    picture = draw_cells(np.random.default_rng(1), 'phase', SHAPE, (8, 12))
    cells = picture.layout.labels > 0
    halo = ndimage.binary_dilation(cells, iterations=3) & ~cells
    assert np.median(picture.pixels[cells]) < np.median(picture.pixels[halo])


def test_stained_cells_absorb_green_most() -> None:
    picture = draw_cells(np.random.default_rng(1), 'stained', SHAPE, (8, 12))
    red, green, blue = picture.pixels[picture.layout.labels > 0].mean(0)
    assert green < min(red, blue) + 5


def test_unknown_look_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown look 'x-ray'"):
        draw_cells(np.random.default_rng(0), 'x-ray', SHAPE, (8, 8))


def test_sixteen_bits_outside_fluorescence_are_refused() -> None:
    with pytest.raises(ValueError, match='8 bits, not 16'):
        draw_cells(np.random.default_rng(0), 'phase', SHAPE, (8, 8), bits=16)
