import numpy as np
from PIL import Image
from pycocotools import mask as mask_codes

from cupre_mm.utils.dataset_inspection.contact_sheet import (
    Tile,
    compose_sheet,
    fit,
    fit_masks,
    write_sheets,
)


def plain(value: int, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    # A colour that no ink of a title has.
    return np.full((*shape, 3), (value, 0, 255 - value), np.uint8)


def places_of(sheet: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((sheet == (value, 0, 255 - value)).all(2))


def test_images_are_enlarged_and_reduced_to_the_size():
    assert fit(plain(9, (40, 60)), 120).shape == (80, 120, 3)
    assert fit(plain(9, (400, 100)), 100).shape == (100, 25, 3)
    assert fit(plain(9, (1000, 1)), 100).shape == (100, 1, 3)


def test_masks_follow_their_image():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 1
    codes = [mask_codes.encode(np.asfortranarray(mask))]
    (scaled,) = fit_masks(codes, (80, 120))
    wanted = mask.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(mask_codes.decode(scaled), wanted)


def test_every_tile_is_on_the_sheet_in_its_order():
    tiles = [Tile([plain(50 * n)], [f'{n}.png']) for n in range(1, 5)]
    sheet = compose_sheet(tiles, columns=3, tile_size=60)
    centers = {}
    for n in range(1, 5):
        rows, columns = places_of(sheet, 50 * n)
        assert len(rows) >= 40 * 60
        centers[n] = (np.median(rows), np.median(columns))
    assert centers[1][0] == centers[2][0] == centers[3][0] < centers[4][0]
    assert centers[1][1] < centers[2][1] < centers[3][1]
    assert centers[4][1] == centers[1][1]


def test_panels_of_a_tile_stand_side_by_side():
    tiles = [Tile([plain(60), plain(120), plain(180)], ['views'])]
    sheet = compose_sheet(tiles, columns=4, tile_size=60)
    places = [
        np.median(places_of(sheet, value)[1]) for value in (60, 120, 180)
    ]
    assert places == sorted(places)
    assert np.ptp(np.diff(places)) == 0


def test_long_titles_stay_within_their_tile():
    short = [Tile([plain(60)], ['a.png'])] * 2
    long = [Tile([plain(60)], ['a' * 400])] * 2
    sheets = [compose_sheet(t, columns=2, tile_size=60) for t in (short, long)]
    assert sheets[0].shape == sheets[1].shape
    # The gap between the two titles is free of ink.
    middle = sheets[1].shape[1] // 2
    assert (sheets[1][:15, middle - 2 : middle + 2] == 255).all()
    assert (sheets[1][:15] != 255).any()


def test_pages_hold_all_tiles_and_are_the_same_again(tmp_path):
    def tiles():
        return (Tile([plain(40 * n)], [str(n)]) for n in range(1, 6))

    first = write_sheets(tmp_path / 'a', 'x', tiles(), 2, 1, 32)
    again = write_sheets(tmp_path / 'b', 'x', tiles(), 2, 1, 32)
    assert [path.name for path in first] == [
        'x_01.png',
        'x_02.png',
        'x_03.png',
    ]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    widths = [Image.open(path).width for path in first]
    assert widths[0] == widths[1] == 2 * widths[2]


def test_no_tile_makes_no_page(tmp_path):
    assert write_sheets(tmp_path, 'x', iter(()), 2, 2, 32) == []
