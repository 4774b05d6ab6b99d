"""Images that are cut from one another or overlap."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.leakage import crop_search
from cupre_mm.utils.leakage.crop_search import find_crops
from tests.blob_images import blob_image

# A field with many blobs, of which parts are stored as images.
SEED, HEIGHT, WIDTH = 7, 500, 600


def _field():
    return blob_image(SEED, HEIGHT, WIDTH)


def _save(path, image):
    Image.fromarray(image).save(path)
    return str(path)


@pytest.fixture
def others(tmp_path):
    return [
        _save(tmp_path / f'other_{seed}.png', blob_image(seed, 400, 420))
        for seed in (20, 21)
    ]


def test_tile_of_a_corpus_image_is_found_with_its_place(tmp_path, others):
    whole = _save(tmp_path / 'whole.png', _field())
    tile = _save(tmp_path / 'tile.jpg', _field()[150:410, 203:463])
    (pair,) = find_crops([*others, whole], [tile], 1, 0.85)
    assert (pair.corpus, pair.evaluation) == (whole, tile)
    assert (pair.kind, pair.distance) == ('crop', None)
    assert pair.offset == (203, 150)
    assert pair.correlation > 0.9


def test_corpus_tile_of_an_evaluation_image_is_found(tmp_path, others):
    field = _field()
    # The part with the most contrast is outside the tile.
    field[30:90:2, 30:90] = 255
    whole = _save(tmp_path / 'whole.png', field)
    tile = str(tmp_path / 'tile.tif')
    part = field[150:410, 203:463]
    tifffile.imwrite(tile, part.astype(np.uint16) * 100 + 3)
    for corpus, evaluation, sign in ((tile, whole, -1), (whole, tile, 1)):
        (pair,) = find_crops([*others, corpus], [evaluation], 1, 0.85)
        assert (pair.corpus, pair.evaluation) == (corpus, evaluation)
        assert pair.offset == (sign * 203, sign * 150)


def test_flat_ground_does_not_correlate_with_anything():
    image = np.zeros((60, 70), np.float32)
    image[:32, :32] = np.random.default_rng(0).normal(0, 5, (32, 32))
    flat = crop_search._is_flat(crop_search._variances(image, (32, 32)))
    assert flat.shape == (29, 39)
    assert not flat[0, 0]
    assert not flat[20, 20]
    assert not flat[28, 0]
    assert flat[:, 32:].all()
    all_but_one = np.ones_like(flat)
    all_but_one[5, 7] = False
    place, _ = crop_search._locate(image, image[:32, :32], all_but_one)
    assert place == (7, 5)


def test_fields_that_overlap_are_found(tmp_path):
    left = _save(tmp_path / 'left.png', _field()[:, :401])
    right = _save(tmp_path / 'right.png', _field()[:, 150:])
    (pair,) = find_crops([left], [right], 1, 0.85)
    assert pair.offset == (150, 0)
    assert pair.correlation > 0.95


def test_other_images_share_nothing(tmp_path, others):
    field = _save(tmp_path / 'field.png', _field())
    assert find_crops([field], others, 1, 0.85) == []


def _cell(row, column, height, width):
    y, x = np.mgrid[:256, :256]
    far = ((y - row) / height) ** 2 + ((x - column) / width) ** 2
    return np.exp(-far)


def test_one_like_cell_in_the_overlap_is_not_enough(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).normal(6, 1, (2, 256, 256))
    images = (
        noise[0] + 150 * _cell(70, 70, 11, 10),
        noise[1] + 120 * _cell(150, 150, 12, 9) + 40 * _cell(30, 200, 5, 5),
    )
    paths = [
        _save(tmp_path / f'{number}.png', image.clip(0, 255).astype(np.uint8))
        for number, image in enumerate(images)
    ]
    assert find_crops(paths[:1], paths[1:], 1, 0.85) == []
    # The cells themselves do agree.
    monkeypatch.setattr(crop_search, '_REST_CORRELATION', -1)
    assert len(find_crops(paths[:1], paths[1:], 1, 0.85)) == 1


def test_small_and_empty_images_are_passed_over(tmp_path):
    field = _save(tmp_path / 'field.png', _field())
    small = _save(tmp_path / 'small.png', _field()[:100, :300])
    empty = _save(tmp_path / 'empty.png', np.zeros((300, 300), np.uint8))
    assert find_crops([field], [small, empty], 1, 0.85) == []
    assert find_crops([small, empty], [field], 1, 0.85) == []


def test_image_of_just_the_least_size_is_found(tmp_path):
    field = _save(tmp_path / 'field.png', _field())
    rows, columns = np.unravel_index(_field().argmax(), _field().shape)
    top, left = max(0, rows - 64), max(0, columns - 64)
    part = _save(
        tmp_path / 'part.png', _field()[top : top + 128, left : left + 128]
    )
    (pair,) = find_crops([field], [part], 1, 0.8)
    assert pair.offset == (left, top)
