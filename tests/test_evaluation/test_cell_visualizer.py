"""Pictures of run-length codes against mmdet's of the dense masks."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks, encode_mask_results
from mmdet.visualization import DetLocalVisualizer
from mmengine.registry import VISUALIZERS, init_default_scope
from mmengine.structures import InstanceData

from cupre_mm.evaluation import CellVisualizer

META = dict(classes=('cell', 'debris'), palette=[(220, 20, 60), (0, 90, 200)])


@pytest.fixture
def dense() -> np.ndarray:
    """A disc, a ring, two parts, a shape over the edge, nothing, all."""
    y, x = np.mgrid[:60, :80]
    disc = (y - 20) ** 2 + (x - 22) ** 2 <= 100
    ring = disc & ((y - 20) ** 2 + (x - 22) ** 2 > 25)
    parts = (np.abs(y - 45) < 5) & (np.abs(np.abs(x - 40) - 15) < 6)
    edge = (y + x) > 125
    return np.stack([disc, ring, parts, edge, disc & ~disc, disc | ~disc])


def sample(masks: object, number: int) -> DetDataSample:
    generator = torch.Generator().manual_seed(0)
    low = 30 * torch.rand(number, 2, generator=generator)
    return DetDataSample(
        pred_instances=InstanceData(
            bboxes=torch.cat([low, low + 25], dim=1),
            labels=torch.arange(number) % 2,
            scores=torch.linspace(0.95, 0.2, number),
            masks=masks,
        )
    )


def draw(kind: type, data_sample: DetDataSample, **options) -> np.ndarray:
    visualizer = kind(**options)
    visualizer.dataset_meta = META
    # Colours are jittered.
    np.random.seed(0)
    y, x = np.mgrid[:60, :80]
    image = np.stack([3 * x, 4 * y, 2 * (x + y) % 256], axis=-1)
    visualizer.add_datasample(
        'picture', image.astype(np.uint8), data_sample, pred_score_thr=0.3
    )
    return visualizer.get_image()


@pytest.mark.parametrize(
    'options', [{}, dict(alpha=0.4), dict(mask_color=(0, 255, 0))]
)
def test_codes_are_drawn_as_the_dense_masks_are(dense, options):
    stock = sample(torch.from_numpy(dense), len(dense))
    codes = sample(encode_mask_results(dense), len(dense))
    picture = draw(CellVisualizer, codes, **options)
    np.testing.assert_array_equal(
        picture, draw(DetLocalVisualizer, stock, **options)
    )
    bare = sample(encode_mask_results(dense & False), len(dense))
    assert (picture != draw(CellVisualizer, bare, **options)).mean() > 0.05


def test_dense_masks_are_drawn_by_mmdet(dense):
    stock = sample(torch.from_numpy(dense), len(dense))
    stock.gt_instances = InstanceData(
        bboxes=stock.pred_instances.bboxes,
        labels=stock.pred_instances.labels,
        masks=BitmapMasks(dense.astype(np.uint8), 60, 80),
    )
    np.testing.assert_array_equal(
        draw(CellVisualizer, stock), draw(DetLocalVisualizer, stock)
    )


@pytest.mark.parametrize('masks', [[], torch.zeros(0, 60, 80).bool()])
def test_no_detection_leaves_the_image(masks):
    empty = sample(masks, 0)
    np.testing.assert_array_equal(
        draw(CellVisualizer, empty), draw(DetLocalVisualizer, DetDataSample())
    )


def test_config_selects_it():
    init_default_scope('mmdet')
    built = VISUALIZERS.build(
        dict(type='cupre_mm.CellVisualizer', name='test_cell_visualizer')
    )
    assert isinstance(built, CellVisualizer)
