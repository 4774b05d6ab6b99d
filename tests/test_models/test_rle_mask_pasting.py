"""Pasting to run-length codes against mmdet's dense masks, bit by bit."""

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from mmdet.structures.mask import encode_mask_results
from pycocotools import mask as mask_utils

from cupre_mm.models import rle_mask_pasting
from cupre_mm.models.rle_mask_pasting import paste_as_rle
from cupre_mm.utils.errors import BadDataError

H, W = 61, 83


def predictions(number: int, size: int = 28, seed: int = 0) -> torch.Tensor:
    """Blobs with noise, so that outlines are ragged and have holes."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, size)
    disc = 4 - 5 * (axis[:, None] ** 2 + axis**2)
    noise = torch.randn(number, size, size, generator=generator)
    return (disc + 2 * noise).sigmoid()


def random_boxes(number: int, seed: int = 0) -> torch.Tensor:
    """Boxes from below a pixel to the whole image, many over its edges."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(number, 2, generator=generator)
    sides = 60 ** torch.rand(number, 2, generator=generator)
    centres = centres * torch.tensor([W, H])
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=1)


def stock(masks, boxes, threshold, skip_empty=True, img_h=H, img_w=W):
    """mmdet's loop over single instances, as on a CPU."""
    dense = torch.zeros(len(masks), img_h, img_w, dtype=torch.bool)
    for i in range(len(masks)):
        pasted, where = _do_paste_mask(
            masks[i : i + 1, None],
            boxes[i : i + 1],
            img_h,
            img_w,
            skip_empty=skip_empty,
        )
        dense[(torch.tensor([i]), *where)] = pasted >= threshold
    return dense.numpy()


def assert_same(codes: list[dict], dense: np.ndarray) -> None:
    assert len(codes) == len(dense)
    for code, mask in zip(codes, dense):
        np.testing.assert_array_equal(mask_utils.decode(code), mask)
    assert codes == encode_mask_results(dense)


@pytest.mark.parametrize('threshold', [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize('size', [28, 7])
def test_random_boxes(threshold, size):
    masks, boxes = predictions(300, size), random_boxes(300)
    dense = stock(masks, boxes, threshold)
    assert 0 < dense.mean() < 1
    assert_same(paste_as_rle(masks, boxes, H, W, threshold), dense)


@pytest.mark.parametrize('threshold', [0.0, 0.1, 0.5])
def test_as_on_a_gpu_where_mmdet_samples_the_whole_image(threshold):
    odd = [
        # No width, and 0 / 0 where a pixel's middle lies on it.
        [10.0, 5.0, 10.0, 20.0],
        [10.5, 5.0, 10.5, 20.0],
        [10.5, 5.5, 10.5, 5.5],
        [30.0, 9.0, 20.0, 19.0],
        [1e9, 1e9, 2e9, 2e9],
        [-40.0, -30.0, 200.0, 150.0],
        [3.0, 3.0, float('inf'), 30.0],
        [3.0, 3.0, float('nan'), 30.0],
    ]
    boxes = torch.cat([torch.tensor(odd), random_boxes(150)])
    # Coarse and nowhere 0: what is sampled reaches far out of the box.
    masks = predictions(len(boxes), size=7).clamp(min=0.4)
    dense = stock(masks, boxes, threshold, skip_empty=False)
    codes = paste_as_rle(masks, boxes, H, W, threshold, near_box=False)
    assert_same(codes, dense)
    if threshold == 0.1:
        # The two ways of mmdet differ, so this is not the test above.
        near = stock(masks[8:], boxes[8:], threshold)
        assert (near != dense[8:]).any()


@pytest.mark.parametrize(
    'box',
    [
        [0.0, 0.0, W, H],
        [-50.0, -40.0, W + 50.0, H + 40.0],
        [-5.0, 20.0, 6.0, 40.0],
        [W - 6.0, 20.0, W + 5.0, 40.0],
        [20.0, -9.0, 40.0, 3.0],
        [20.0, H - 3.0, 40.0, H + 9.0],
        [0.0, 0.0, 0.0, 0.0],
        [W, H, W, H],
        [10.0, 10.0, 10.0, 10.0],
        [10.5, 10.5, 10.5, 10.5],
        [10.5, 3.0, 10.5, 40.0],
        [3.0, 10.0, 40.0, 10.0],
        [7.0, 7.0, 8.0, 8.0],
        [7.3, 7.6, 8.3, 8.6],
        [7.4, 7.4, 7.6, 7.6],
        [11.0, 12.0, 10.5, 11.5],
        [20.1, 0.0, 20.1 + 1e-6, H],
        [10.0, 10.0, 10.0 + 1e-38, 20.0],
        [3.0, 3.0, float('inf'), 30.0],
    ],
)
def test_edges_and_degenerate_boxes(box):
    boxes = torch.tensor([box])
    for masks in (predictions(1), torch.ones(1, 28, 28)):
        for threshold in (0.0, 0.3, 0.5):
            codes = paste_as_rle(masks, boxes, H, W, threshold)
            assert_same(codes, stock(masks, boxes, threshold))


def test_runs_go_on_from_one_column_into_the_next():
    boxes = torch.tensor([[20.0, -30.0, 40.0, H + 30.0], [0.0, 0.0, W, H]])
    masks = torch.ones(2, 28, 28)
    codes = paste_as_rle(masks, boxes, H, W, 0.2)
    assert_same(codes, stock(masks, boxes, 0.2))
    assert mask_utils.decode(codes[0])[:, 20:40].all()
    # The whole image is one run after an empty one.
    whole = {'size': [H, W], 'counts': [0, H * W]}
    assert codes[1] == mask_utils.frPyObjects(whole, H, W)


@pytest.mark.parametrize(
    'box',
    [
        [-30.0, 5.0, -10.0, 20.0],
        [W + 10.0, 5.0, W + 30.0, 20.0],
        [5.0, H + 10.0, 20.0, H + 30.0],
        [40.0, 5.0, 20.0, 20.0],
        [float('nan'), 5.0, 20.0, 20.0],
    ],
)
def test_box_that_mmdet_fails_on_has_an_empty_mask(box):
    boxes = torch.tensor([box, [5.0, 5.0, 20.0, 20.0]])
    masks = predictions(2)
    lost, kept = paste_as_rle(masks, boxes, H, W, 0.5)
    assert mask_utils.area(lost) == 0
    assert lost['size'] == [H, W]
    assert_same([kept], stock(masks[1:], boxes[1:], 0.5))


def test_nan_predictions_are_background():
    masks, boxes = predictions(2), torch.tensor([[5.0, 5.0, 30.0, 30.0]] * 2)
    masks[0] = torch.nan
    codes = paste_as_rle(masks, boxes, H, W, 0.5)
    assert mask_utils.area(codes[0]) == 0 < mask_utils.area(codes[1])
    assert_same(codes, stock(masks, boxes, 0.5))


def test_order_and_result_do_not_depend_on_the_chunks(monkeypatch):
    masks, boxes = predictions(80), random_boxes(80)
    whole = paste_as_rle(masks, boxes, H, W, 0.5)
    for pixels, step in ((1, 1), (5000, 3), (10**9, 1000)):
        monkeypatch.setattr(rle_mask_pasting, '_CHUNK_PIXELS', pixels)
        monkeypatch.setattr(rle_mask_pasting, '_SIZE_STEP', step)
        assert paste_as_rle(masks, boxes, H, W, 0.5) == whole


def test_nothing_to_paste():
    none = paste_as_rle(torch.zeros(0, 28, 28), torch.zeros(0, 4), H, W, 0.5)
    assert none == []


def test_image_with_places_beyond_31_bits():
    side = 60_000
    boxes = torch.tensor([[59_000.0, 59_000.0, 59_020.0, 59_020.0]])
    (code,) = paste_as_rle(torch.ones(1, 28, 28), boxes, side, side, 0.5)
    assert mask_utils.toBbox(code).tolist() == [59_000, 59_000, 20, 20]
    with pytest.raises(BadDataError, match='70000 x 70000'):
        paste_as_rle(torch.ones(1, 28, 28), boxes, 70_000, 70_000, 0.5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('threshold', [0.1, 0.5])
def test_on_a_gpu(threshold):
    masks, boxes = predictions(300).cuda(), random_boxes(300).cuda()
    dense, _ = _do_paste_mask(masks[:, None], boxes, H, W, skip_empty=False)
    codes = paste_as_rle(masks, boxes, H, W, threshold, near_box=False)
    assert_same(codes, (dense >= threshold).cpu().numpy())
