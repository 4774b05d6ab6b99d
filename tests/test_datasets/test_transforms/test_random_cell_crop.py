import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from cupre_mm.utils.errors import BadConfigError


def _crop(shape: tuple[int, int], **kwargs) -> dict:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.RandomCellCrop', **kwargs)
    )
    image = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    return transform(dict(img=np.dstack([image] * 3), img_shape=shape))


@pytest.mark.parametrize(
    ('shape', 'size', 'expected'),
    [
        ((100, 200), 64, (64, 64)),
        ((100, 200), (50, 120), (50, 120)),
        ((40, 200), 64, (40, 64)),
        ((40, 30), 64, (40, 30)),
        ((64, 64), 64, (64, 64)),
    ],
)
def test_size_after_the_crop(shape, size, expected):
    results = _crop(shape, size=size)
    assert results['img'].shape == (*expected, 3)
    assert results['img_shape'] == expected


def test_crop_is_a_window_of_the_image_at_native_scale():
    image = _crop((100, 200), size=32)['img'][..., 0].astype(int)
    assert (np.diff(image, axis=1) == 1).all()
    assert (np.diff(image, axis=0) == 200).all()


def test_crops_differ():
    corners = {int(_crop((100, 200), size=32)['img'][0, 0, 0]) for _ in '1234'}
    assert len(corners) > 1


def test_labels_are_refused():
    crop = TRANSFORMS.build(dict(type='cupre_mm.RandomCellCrop', size=8))
    with pytest.raises(BadConfigError, match='gt_bboxes'):
        crop(dict(img=np.zeros((9, 9, 3)), gt_bboxes=np.zeros((1, 4))))


@pytest.mark.parametrize('size', [0, -3, (4,), (4, 0), (1, 2, 3)])
def test_sizes_that_make_no_sense(size):
    with pytest.raises(BadConfigError, match='crop size'):
        _crop((10, 10), size=size)
