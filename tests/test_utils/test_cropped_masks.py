import numpy as np
import pytest
from pycocotools import mask as mask_codes

from cupre_mm.utils.cropped_masks import CroppedMask, crop_codes, crop_mask


def random_masks(seed: int, shape=(23, 31)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(12):
        mask = np.zeros(shape, bool)
        top, left = rng.integers(0, shape[0] - 3), rng.integers(0, shape[1])
        part = mask[top : top + 9, left : left + 7]
        part[:] = rng.random(part.shape) < 0.6
        masks.append(mask)
    masks += [np.zeros(shape, bool), np.ones(shape, bool)]
    corner = np.zeros(shape, bool)
    corner[-1, -1] = corner[0, 0] = True
    return [*masks, corner]


def encode(mask: np.ndarray) -> dict:
    code = mask_codes.encode(np.asfortranarray(mask, np.uint8))
    return {'size': list(code['size']), 'counts': code['counts'].decode()}


def painted(mask: CroppedMask | None, shape) -> np.ndarray:
    image = np.zeros(shape, bool)
    if mask is not None:
        image[mask.place][mask.pixels] = True
    return image


@pytest.mark.parametrize('seed', range(3))
def test_codes_are_those_of_pycocotools_there_and_back(seed):
    masks = random_masks(seed)
    shape = masks[0].shape
    codes = [encode(mask) for mask in masks]
    for mask, code, cropped in zip(masks, codes, crop_codes(codes, shape)):
        np.testing.assert_array_equal(painted(cropped, shape), mask)
        if mask.any():
            assert cropped.to_rle(shape) == code
            assert cropped.area == mask.sum()
        else:
            assert cropped is None


def test_cropping_leaves_the_foreground_and_no_margin():
    for mask in random_masks(3):
        cropped = crop_mask(mask)
        np.testing.assert_array_equal(painted(cropped, mask.shape), mask)
        if cropped is not None:
            for edge in (0, -1):
                assert cropped.pixels[edge].any()
                assert cropped.pixels[:, edge].any()


def test_code_of_an_image_too_large_for_a_dense_mask():
    mask = CroppedMask(19_990, 12_345, np.ones((10, 4), bool))
    code = mask.to_rle((20_000, 20_000))
    assert mask_codes.area([code])[0] == 40
    x, y, width, height = mask_codes.toBbox([code])[0]
    assert (x, y, width, height) == (12_345, 19_990, 4, 10)


def test_shared_pixels_are_those_of_the_painted_masks():
    masks = random_masks(5)
    for one in masks:
        for other in masks:
            if one.any() and other.any():
                shared = crop_mask(one).shared_pixels(crop_mask(other))
                assert shared == (one & other).sum()


def test_moved_mask_lies_elsewhere_and_is_the_same():
    mask = crop_mask(random_masks(0)[0])
    moved = mask.moved(3, -2)
    assert (moved.top, moved.left) == (mask.top + 3, mask.left - 2)
    assert (moved.bottom, moved.right) == (mask.bottom + 3, mask.right - 2)
    np.testing.assert_array_equal(moved.pixels, mask.pixels)
