import numpy as np
import pytest

from cupre_mm.datasets.transforms.cell_color_jitter import (
    CellColorJitter,
    is_gray,
)
from cupre_mm.registry import TRANSFORMS

STRENGTH = dict(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)


def gray() -> np.ndarray:
    image = np.random.default_rng(0).integers(30, 200, (24, 20), np.uint8)
    return np.dstack([image] * 3)


def stained() -> np.ndarray:
    """Purple blobs on pink, in BGR."""
    image = np.full((24, 20, 3), (220, 190, 235), np.uint8)
    image[6:14, 5:15] = (150, 60, 110)
    return image


def jitter(image: np.ndarray, **strength: float) -> np.ndarray:
    transform = TRANSFORMS.build(
        dict(type='cupre_mm.CellColorJitter', **strength)
    )
    return transform(dict(img=image.copy()))['img']


@pytest.mark.parametrize('backend', ['pillow', 'cv2'])
def test_gray_image_stays_gray_and_changes(backend: str):
    np.random.seed(0)
    results = [jitter(gray(), **STRENGTH, backend=backend) for _ in range(20)]
    assert all(is_gray(result) for result in results)
    means = [result.mean() for result in results]
    assert max(means) - min(means) > 20


def test_hue_and_saturation_alone_leave_gray_as_it_is():
    np.random.seed(0)
    for _ in range(5):
        np.testing.assert_array_equal(
            jitter(gray(), saturation=0.9, hue=0.5), gray()
        )


def test_hue_is_turned_on_stained_images_only(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError('hue was turned')

    # On equal channels it changes no pixel, so only the call can be seen.
    monkeypatch.setattr('mmcv.adjust_hue', refuse)
    jitter(gray(), **STRENGTH)
    with pytest.raises(AssertionError, match='hue was turned'):
        jitter(stained(), **STRENGTH)


@pytest.mark.parametrize(
    'strength', [dict(hue=0.3), dict(saturation=0.8)], ids=str
)
def test_stained_image_is_jittered_in_colour(strength: dict):
    np.random.seed(0)
    results = [jitter(stained(), **strength) for _ in range(10)]
    spread = [result[10, 10].astype(int) for result in results]
    assert np.ptp(np.stack(spread) - stained()[10, 10], axis=0).max() > 20


def test_brightness_reaches_gray_and_stained_alike():
    np.random.seed(0)
    range_up = dict(brightness=(1.3, 1.3))
    assert jitter(gray(), **range_up).mean() > gray().mean() * 1.2
    assert jitter(stained(), **range_up).mean() > stained().mean() * 1.05


def test_same_random_state_gives_the_same_image():
    transform = CellColorJitter(**STRENGTH)
    results = []
    for _ in range(2):
        np.random.seed(3)
        results.append(transform(dict(img=stained()))['img'])
    np.testing.assert_array_equal(*results)


def test_no_strength_changes_nothing():
    np.testing.assert_array_equal(jitter(stained()), stained())
    np.testing.assert_array_equal(jitter(gray()), gray())


def test_is_gray_allows_no_tolerance():
    image = gray()
    assert is_gray(image)
    image[3, 4, 2] += 1
    assert not is_gray(image)
