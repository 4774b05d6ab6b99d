import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from cupre_mm.apis import SegmentationOptions
from cupre_mm.apis.image_run import ImageRun
from cupre_mm.apis.tile_grid import make_grid


def found(number: int, score: float = 0.9) -> InstanceData:
    """Squares of 10 px beside each other at the top left."""
    masks = torch.zeros((number, 60, 60), dtype=torch.bool)
    boxes = torch.zeros((number, 4))
    for i in range(number):
        masks[i, 2:12, 12 * i : 12 * i + 10] = True
        boxes[i] = torch.tensor([12 * i, 2, 12 * i + 10, 12])
    return InstanceData(
        bboxes=boxes,
        scores=torch.linspace(score, score - 0.3, number),
        labels=torch.zeros(number, dtype=torch.int64),
        masks=masks,
    )


def test_counts_and_cells_of_one_tile():
    options = SegmentationOptions(score_thr=0.7)
    grid = make_grid((60, 60), 1.0, options.tile, options.overlap)
    run = ImageRun((60, 60), 2.0, grid, options)
    (tile,) = grid.tiles_of_row(0)
    run.take(tile, found(4), is_at_limit=True, num_left_out=5)
    cells = run.finish(('cell',))
    assert len(cells) == 3
    assert cells.scores == pytest.approx([0.9, 0.8, 0.7])
    assert cells.counts == dict(
        tiles_at_limit=1,
        below_score_thr=6,
        cut_by_tiles=0,
        covered_by_others=0,
    )
    assert (cells.factor, cells.num_tiles, cells.classes) == (2, 1, ('cell',))
    assert np.bincount(cells.label_image().ravel()).tolist() == [
        3300,
        100,
        100,
        100,
    ]
