from dataclasses import replace

import numpy as np
import pytest

from cupre_mm.apis import Segmentation, SegmentationOptions
from cupre_mm.apis.tiling_check import compare, make_mosaic
from cupre_mm.utils.cropped_masks import CroppedMask
from cupre_mm.utils.errors import BadDataError
from tests.component_model import component_segmenter, disc_image


def cells(*squares: tuple[int, int, int]) -> Segmentation:
    return Segmentation(
        shape=(100, 100),
        masks=[
            CroppedMask(top, left, np.ones((side, side), bool))
            for top, left, side in squares
        ],
        scores=np.ones(len(squares), np.float32),
        boxes=np.zeros((len(squares), 4), np.float32),
        labels=np.zeros(len(squares), np.int64),
        classes=(),
        factor=1.0,
    )


def test_equal_cells_agree_in_any_order():
    one = cells((0, 0, 9), (20, 20, 9))
    found = compare(one, cells((20, 20, 9), (0, 0, 9)))
    assert (found.whole_matched, found.tiled_matched) == (1, 1)
    assert found.mean_iou == 1


def test_doubled_and_lost_cells_count_on_their_own_side():
    whole = cells((0, 0, 10), (30, 30, 10), (60, 60, 10))
    tiled = cells((0, 0, 10), (0, 1, 10), (30, 32, 10), (80, 80, 5))
    found = compare(whole, tiled)
    assert found.num_matched == 2
    assert found.whole_matched == pytest.approx(2 / 3)
    assert found.tiled_matched == 0.5
    assert found.mean_iou == pytest.approx((1 + 80 / 120) / 2)


def test_nothing_agrees_with_nothing():
    found = compare(cells(), cells())
    assert found.whole_matched == found.tiled_matched == found.mean_iou == 1


def test_cut_cells_of_tiles_without_overlap_are_seen():
    segmenter = component_segmenter()
    image = disc_image((512, 512), (40, 60))
    whole = segmenter.segment(image, SegmentationOptions(tile=4096))
    options = SegmentationOptions(tile=256, overlap=0)
    cut = compare(whole, segmenter.segment(image, options))
    assert cut.tiled_matched < 0.95
    good = compare(
        whole, segmenter.segment(image, replace(options, overlap=64))
    )
    assert good.tiled_matched == good.mean_iou == 1


@pytest.mark.parametrize('side', [50, 130, 300])
def test_mosaic_is_filled_with_stretched_images(side):
    rng = np.random.default_rng(0)
    images = [
        rng.integers(200, 4000, (60, 70), np.uint16),
        rng.integers(0, 50, (80, 40, 4), np.uint8),
    ]
    mosaic, taken = make_mosaic(images, side)
    assert mosaic.shape == (side, side, 3)
    assert mosaic.dtype == np.uint8
    assert taken == (1 if side == 50 else 2)
    # No part is left dark.
    parts = mosaic[: side // 10 * 10, : side // 10 * 10]
    blocks = parts.reshape(side // 10, 10, side // 10, 10, 3)
    assert blocks.max(axis=(1, 3, 4)).min() > 100


def test_mosaic_of_nothing_is_refused():
    with pytest.raises(BadDataError, match='an image at least'):
        make_mosaic([], 100)
