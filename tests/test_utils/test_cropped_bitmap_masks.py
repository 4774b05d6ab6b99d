"""Masks held as crops against mmdet's bitmaps, after every operation."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks

from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks


def random_pair(
    number: int, height: int, width: int, seed: int
) -> tuple[BitmapMasks, CroppedBitmapMasks]:
    """The same masks both ways; some empty, some of the whole image."""
    random = np.random.default_rng(seed)
    dense = np.zeros((number, height, width), np.uint8)
    for n, mask in enumerate(dense):
        if n % 5 == 3:
            continue
        y, x = random.integers(0, height), random.integers(0, width)
        h, w = random.integers(1, 12, 2) if n % 5 else (height, width)
        noise = random.random(mask[y : y + h, x : x + w].shape) < 0.6
        mask[y : y + h, x : x + w] = noise
    return (
        BitmapMasks(dense, height, width),
        CroppedBitmapMasks.from_dense(dense, height, width),
    )


OPERATIONS: dict[str, Callable] = {
    'rescale': lambda m: m.rescale((61, 47)),
    'rescale_by_factor': lambda m: m.rescale(1.37),
    'resize_up': lambda m: m.resize((97, 131)),
    'resize_down': lambda m: m.resize((13, 17)),
    'resize_smoothly': lambda m: m.resize((41, 57), 'bilinear'),
    'flip_horizontal': lambda m: m.flip('horizontal'),
    'flip_vertical': lambda m: m.flip('vertical'),
    'flip_diagonal': lambda m: m.flip('diagonal'),
    'pad': lambda m: m.pad((64, 80)),
    'pad_with_ones': lambda m: m.pad((64, 80), 1),
    'crop': lambda m: m.crop(np.array([5, 9, 31, 28])),
    'crop_over_the_edge': lambda m: m.crop(np.array([-4, 20, 300, 300])),
    'crop_of_no_width': lambda m: m.crop(np.array([6, 9, 6, 28])),
    'expand': lambda m: m.expand(90, 100, 7, 11),
    'translate': lambda m: m.translate((36, 47), 5),
    'shear': lambda m: m.shear((36, 47), 0.3),
    'rotate': lambda m: m.rotate((36, 47), 30),
    'one': lambda m: m[2],
    'some': lambda m: m[np.array([4, 0, 4])],
    'by_flags': lambda m: m[np.arange(len(m)) % 2 == 0],
    'by_tensor': lambda m: m[torch.tensor([1, 3])],
    'slice': lambda m: m[1:6:2],
    'none': lambda m: m[np.array([], dtype=np.int64)],
    'cat': lambda m: type(m).cat([m, m[:3]]),
    'pickle': lambda m: pickle.loads(pickle.dumps(m)),
    'crop_flip_resize_crop_pad': lambda m: (
        m.crop(np.array([3, 2, 40, 30]))
        .flip('diagonal')
        .resize((55, 81))
        .crop(np.array([30, 20, 70, 50]))
        .flip('horizontal')
        .pad((64, 96))
    ),
    'crop_and_resize': lambda m: m.crop_and_resize(
        np.array([[1.3, 2, 9, 8.5], [0, 0, 47, 36], [20, 9, 20, 9]], 'f4'),
        (7, 7),
        np.array([1, 0, 2]),
    ),
}
# These stay crops; the others become mmdet's bitmaps.
DENSE = {
    'resize_smoothly',
    'pad_with_ones',
    'translate',
    'shear',
    'rotate',
    'crop_and_resize',
}


@pytest.mark.parametrize('name', OPERATIONS)
@pytest.mark.parametrize('seed', range(6))
def test_operation_gives_the_masks_of_mmdet(name: str, seed: int):
    dense, cropped = random_pair(11, 36, 47, seed)
    expected, found = OPERATIONS[name](dense), OPERATIONS[name](cropped)
    assert (found.height, found.width) == (expected.height, expected.width)
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found.masks, expected.masks)
    assert found.masks.dtype == expected.masks.dtype
    np.testing.assert_array_equal(found.areas, expected.areas)
    np.testing.assert_array_equal(
        found.to_tensor(torch.uint8, 'cpu'),
        expected.to_tensor(torch.uint8, 'cpu'),
    )
    assert isinstance(found, CroppedBitmapMasks) == (name not in DENSE)


@pytest.mark.parametrize('seed', range(40))
def test_resize_to_any_size_takes_the_pixels_of_mmdet(seed: int):
    random = np.random.default_rng(seed)
    height, width, new_height, new_width = random.integers(20, 150, 4)
    dense, cropped = random_pair(6, height, width, seed)
    shape = int(new_height), int(new_width)
    np.testing.assert_array_equal(
        cropped.resize(shape).masks, dense.resize(shape).masks
    )


def test_no_masks_at_all():
    cropped = CroppedBitmapMasks.from_dense([], 20, 30)
    for masks in (
        cropped,
        cropped.resize((40, 50)).flip(),
        cropped.pad((64, 64)),
    ):
        assert len(masks) == 0
        assert masks.masks.shape == (0, masks.height, masks.width)
        assert masks.areas.shape == (0,)


def test_boxes_of_masks_and_iteration_are_mmdets():
    dense, cropped = random_pair(11, 36, 47, 0)
    assert torch.equal(
        cropped.get_bboxes('hbox').tensor, dense.get_bboxes('hbox').tensor
    )
    for one, other in zip(cropped, dense, strict=True):
        np.testing.assert_array_equal(one, other)


def test_crops_of_small_cells_take_a_fraction_of_the_bitmaps():
    dense = np.zeros((50, 200, 300), np.uint8)
    for n, mask in enumerate(dense):
        mask[n : n + 9, n : n + 9] = 1
    cropped = CroppedBitmapMasks.from_dense(dense, 200, 300)
    part = cropped.flip().resize((300, 450)).crop(np.array([9, 9, 440, 290]))
    for masks in (cropped, part):
        assert len(pickle.dumps(masks)) < dense.nbytes / 50


def test_unknown_flip_is_refused():
    with pytest.raises(ValueError, match='sideways'):
        CroppedBitmapMasks.from_dense([], 20, 30).flip('sideways')
