import numpy as np
import pytest

from cupre_mm.datasets.transforms import RandomCellCrop
from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadConfigError


def coordinates(height: int, width: int) -> np.ndarray:
    """An image whose every pixel says where it lies: row, column, 7."""
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows, columns, np.full_like(rows, 7)]).astype(np.uint16)


def crop(image: np.ndarray, size: int | tuple[int, int]) -> dict:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.RandomCellCrop', size=size)
    )
    return transform(dict(img=image.copy()))


@pytest.mark.parametrize(
    ('size', 'shape'),
    [
        (32, (32, 32)),
        ((20, 50), (20, 50)),
        # A side shorter than the crop is kept whole.
        ((100, 40), (60, 40)),
        ((40, 100), (40, 80)),
    ],
)
def test_crop_is_a_window_of_the_original_at_its_scale(
    size: int | tuple[int, int], shape: tuple[int, int]
):
    np.random.seed(0)
    image = coordinates(60, 80)
    for _ in range(20):
        results = crop(image, size)
        assert results['img_shape'] == shape
        top, left = results['img'][0, 0, :2]
        height, width = shape
        np.testing.assert_array_equal(
            results['img'], image[top : top + height, left : left + width]
        )


def test_windows_are_drawn_from_the_whole_image():
    np.random.seed(0)
    image = coordinates(12, 14)
    corners = {
        tuple(crop(image, 10)['img'][0, 0, :2].tolist()) for _ in range(300)
    }
    assert corners == {
        (row, column) for row in range(3) for column in range(5)
    }


@pytest.mark.parametrize('size', [60, 61, 500, (60, 80)])
def test_small_image_passes_unchanged(size: int | tuple[int, int]):
    image = coordinates(60, 60 if isinstance(size, int) else 80)
    results = crop(image, size)
    np.testing.assert_array_equal(results['img'], image)
    assert results['img_shape'] == image.shape[:2]


def test_gray_image_without_channels():
    image = coordinates(30, 30)[..., 0]
    assert crop(image, 8)['img'].shape == (8, 8)


@pytest.mark.parametrize('key', ['gt_bboxes', 'gt_masks', 'gt_seg_map'])
def test_labels_are_refused(key: str):
    results = {'img': coordinates(30, 30), key: np.zeros((1, 4))}
    with pytest.raises(BadConfigError, match=f'would leave {key} uncropped'):
        RandomCellCrop(8)(results)


@pytest.mark.parametrize('size', [0, -3, (8, 0), (8,), (8, 8, 3)])
def test_sizes_that_are_none_are_refused(size: int | tuple[int, ...]):
    with pytest.raises(BadConfigError, match='is not a crop size'):
        RandomCellCrop(size)
