from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_codes

from cupre_mm.apis import SegmentationOptions
from cupre_mm.apis.detection import Detection
from cupre_mm.apis.tile_detections import filter_cells, to_detections
from cupre_mm.apis.tile_grid import make_grid
from cupre_mm.utils.cropped_masks import CroppedMask


@pytest.mark.parametrize('dense', [True, False])
def test_masks_and_boxes_move_to_where_the_tile_is(dense):
    # Two tiles of 160 px share 64 px, so the second starts at 96.
    tile = list(make_grid((100, 256), 1.0, 192, 64).tiles_of_row(0))[1]
    masks = np.zeros((2, *tile.shape), bool)
    masks[0, 10:14, 20:30] = True
    found = InstanceData(
        bboxes=torch.tensor([[20.5, 10, 30, 14], [0, 0, 3, 3]]),
        scores=torch.tensor([0.75, 0.5]),
        labels=torch.tensor([3, 1]),
        masks=torch.from_numpy(masks)
        if dense
        else [
            mask_codes.encode(np.asfortranarray(mask, np.uint8))
            for mask in masks
        ],
    )
    # The second has no pixel.
    (one,) = to_detections(found, tile)
    assert (one.mask.top, one.mask.left) == (10, 116)
    assert one.mask.pixels.shape == (4, 10)
    assert one.mask.pixels.all()
    assert one.box.tolist() == [116.5, 10, 126, 14]
    assert (one.score, one.label) == (0.75, 3)


def cell(top, left, side) -> Detection:
    mask = CroppedMask(top, left, np.ones((side, side), bool))
    return Detection(mask, np.zeros(4), 0.9, 0)


def test_areas_and_borders_are_counted():
    cells = [
        cell(10, 10, 3),
        cell(20, 20, 5),
        cell(50, 50, 9),
        cell(0, 20, 5),
        cell(20, 0, 5),
        cell(95, 50, 5),
        cell(50, 115, 5),
    ]
    counts = Counter()
    options = SegmentationOptions(
        min_area=10, max_area=30, exclude_border=True
    )
    kept = filter_cells(cells, (100, 120), options, counts)
    assert kept == [cells[1]]
    assert counts == {'below_min_area': 1, 'above_max_area': 1, 'at_border': 4}
    assert filter_cells(cells, (100, 120), SegmentationOptions(), counts) == (
        cells
    )
