import numpy as np
import pytest
from PIL import Image

from cupre_mm.apis.exporters import draw_overlay, write_overlay
from cupre_mm.apis.exporters.outline_colours import ON_BRIGHT, ON_DARK
from cupre_mm.apis.source_info import SourceInfo, array_source_info
from cupre_mm.utils.errors import BadDataError
from tests.segmented_cells import odd_cells


@pytest.mark.parametrize(
    ('value', 'palette'), [(10, ON_DARK), (60000, ON_BRIGHT)]
)
def test_outlines_are_the_outermost_pixels(tmp_path, value, palette):
    cells = odd_cells()
    image = np.full(cells.shape, value, np.uint16)
    image[:30, :40] = 30000
    source = array_source_info(image)
    path = write_overlay(cells, tmp_path / 'ü.png', source=source)
    picture = np.array(Image.open(path))
    assert picture.shape == (*cells.shape, 3)
    drawn = (picture != picture[..., :1]).any(axis=-1)
    disc = cells.masks[0]
    inside = np.pad(disc.pixels, 1)
    inner = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1]
    inner &= inside[1:-1, :-2] & inside[1:-1, 2:]
    assert (drawn[disc.place] == (disc.pixels & ~inner)).all()
    first = picture[disc.place][disc.pixels & ~inner]
    assert (first == palette[1]).all()
    assert not drawn[cells.label_image() == 0].any()


def test_large_images_are_reduced_by_a_whole_factor(tmp_path, caplog):
    cells = odd_cells()
    image = np.random.default_rng(0).integers(0, 255, cells.shape)
    source = array_source_info(image.astype(np.uint8))
    picture, factor = draw_overlay(cells, source, max_side=30)
    assert factor == 3
    assert picture.shape == (20, 27, 3)
    assert draw_overlay(cells, source)[1] == 1


def test_another_image_is_refused():
    with pytest.raises(BadDataError, match='cells are of'):
        draw_overlay(odd_cells(), array_source_info(np.ones((5, 5))))
    with pytest.raises(BadDataError, match='needs the image'):
        draw_overlay(odd_cells(), SourceInfo())
