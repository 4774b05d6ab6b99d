import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.rle_runs import read_runs

SHAPE = (23, 31)


def encode(mask: np.ndarray) -> dict:
    return mask_codes.encode(np.asfortranarray(mask, dtype=np.uint8))


def written(*runs: int) -> bytes:
    """Up to three runs in COCO's characters, also runs that cannot be."""
    text = b''
    for run in runs:
        last = False
        while not last:
            letter, run = run & 31, run >> 5
            last = run == (-1 if letter & 16 else 0)
            text += bytes([48 + letter + (0 if last else 32)])
    return text


def dense(runs, mask: int, shape: tuple[int, int]) -> np.ndarray:
    flat = np.zeros(shape[0] * shape[1], bool)
    flat[runs.pixels_of(mask)] = True
    return flat.reshape(shape, order='F')


@pytest.fixture
def masks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    noise = [rng.random(SHAPE) < share for share in (0.02, 0.5, 0.98)]
    corner = np.zeros(SHAPE, bool)
    corner[0, 0] = corner[-1, -1] = True
    empty, full = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    return [empty, noise[0], full, corner, noise[1], empty, noise[2]]


def test_pixels_are_those_of_pycocotools(masks):
    runs = read_runs([encode(mask) for mask in masks], SHAPE)
    for i, mask in enumerate(masks):
        np.testing.assert_array_equal(dense(runs, i, SHAPE), mask)
    np.testing.assert_array_equal(runs.areas, [mask.sum() for mask in masks])


def test_runs_of_thousands_of_pixels_and_large_steps_back():
    shape = (1, 3_000_000)
    mask = np.zeros(shape, np.uint8)
    for start, end in ((5, 6), (900_000, 2_000_000), (2_000_001, 2_000_003)):
        mask[0, start:end] = 1
    runs = read_runs([encode(mask)], shape)
    np.testing.assert_array_equal(runs.starts, [5, 900_000, 2_000_001])
    np.testing.assert_array_equal(runs.lengths, [1, 1_100_000, 2])


def test_counts_may_be_text_as_in_json(masks):
    codes = [encode(mask) for mask in masks]
    texts = [{**code, 'counts': code['counts'].decode()} for code in codes]
    expected, runs = read_runs(codes, SHAPE), read_runs(texts, SHAPE)
    np.testing.assert_array_equal(runs.starts, expected.starts)
    np.testing.assert_array_equal(runs.bounds, expected.bounds)


def test_runs_written_by_hand_are_read():
    code = {'size': SHAPE, 'counts': written(9, 700, 4)}
    assert mask_codes.decode(code).sum() == 700
    runs = read_runs([code], SHAPE)
    assert (runs.starts, runs.lengths) == ([9], [700])


def test_no_masks_have_no_runs():
    runs = read_runs([], SHAPE)
    assert len(runs.starts) == len(runs.areas) == 0
    assert runs.bounds.tolist() == [0]


def test_other_size_is_refused_with_both_sizes(masks):
    codes = [encode(masks[1]), encode(masks[1].T)]
    with pytest.raises(BadDataError, match=r'mask 1 is \[31, 23\].*\[23, 31'):
        read_runs(codes, SHAPE)


def test_list_of_runs_is_refused_with_what_to_do():
    code = {'size': list(SHAPE), 'counts': [SHAPE[0] * SHAPE[1]]}
    with pytest.raises(BadDataError, match='a list; encode'):
        read_runs([code], SHAPE)


@pytest.mark.parametrize(
    'damage',
    [
        pytest.param(lambda text: text[:-1], id='cut off within a number'),
        pytest.param(lambda text: text[:-6], id='cut off after a number'),
        pytest.param(lambda text: b'', id='nothing'),
        pytest.param(lambda text: text + b'5', id='too long'),
        pytest.param(lambda text: text[:4] + b'!' + text[5:], id='sign'),
        pytest.param(
            lambda text: bytes([text[0] + 64]) + text[1:], id='high character'
        ),
        pytest.param(
            lambda text: written(713)[:-1] + b'P' * 20 + b'0',
            id='endless number',
        ),
        pytest.param(lambda text: written(9, -2, 706), id='negative run'),
        pytest.param(lambda text: written(9, 705), id='beyond the image'),
        pytest.param(lambda text: text.decode() + 'é', id='no ASCII'),
    ],
)
@pytest.mark.parametrize('place', [4, 6])
def test_damaged_code_is_refused_and_named(masks, damage, place):
    codes = [encode(mask) for mask in masks]
    codes[place]['counts'] = damage(codes[place]['counts'])
    with pytest.raises(BadDataError, match=f'mask {place} cannot be decoded'):
        read_runs(codes, SHAPE)


def test_code_of_a_larger_image_is_refused():
    code = encode(np.ones((40, 40)))
    code['size'] = [20, 20]
    with pytest.raises(BadDataError, match='of another image'):
        read_runs([code], (20, 20))
