"""Best IoUs are those of mmdet's whole anchor grid."""

import numpy as np
import pytest
import torch
from mmdet.models.task_modules.prior_generators import (
    AnchorGenerator,
    anchor_inside_flags,
)
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import ConfigDict

from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    best_ious,
    coverage,
    grid_of_model,
    rank_scales,
    shape_coverage,
    stock_grid,
)
from cupre_mm.utils.errors import BadConfigError

HEIGHT, WIDTH = 150, 215


def model(border: int = -1, **generator) -> ConfigDict:
    generator = {
        'type': 'AnchorGenerator',
        'scales': [2],
        'ratios': [0.5, 1.0, 2.0],
        'strides': [4, 8, 16, 32, 64],
        **generator,
    }
    return ConfigDict(
        type='CascadeRCNN',
        data_preprocessor=dict(pad_size_divisor=32),
        rpn_head=dict(anchor_generator=generator),
        train_cfg=dict(
            rpn=dict(
                assigner=dict(pos_iou_thr=0.7, min_pos_iou=0.3),
                allowed_border=border,
            )
        ),
    )


def random_boxes(number: int = 200) -> np.ndarray:
    """Boxes of 2 to 90 px that lie in the image, some at its edge."""
    generator = np.random.default_rng(0)
    sides = np.exp(generator.uniform(np.log(2), np.log(90), (number, 2)))
    room = np.array([WIDTH, HEIGHT]) - sides
    corners = generator.uniform(-0.15, 1.15, (number, 2)).clip(0, 1) * room
    return np.hstack([corners, sides])


def best_by_mmdet(boxes: np.ndarray, config: ConfigDict) -> np.ndarray:
    """All anchors that mmdet trains, compared with every box."""
    given = dict(config.rpn_head.anchor_generator)
    del given['type']
    generator = AnchorGenerator(**given)
    padded = [-(-side // 32) * 32 for side in (HEIGHT, WIDTH)]
    shapes = [
        tuple(-(-side // stride[0]) for side in padded)
        for stride in generator.strides
    ]
    priors = torch.cat(generator.grid_priors(shapes, device='cpu'))
    inside = anchor_inside_flags(
        priors,
        torch.ones(len(priors), dtype=torch.bool),
        (HEIGHT, WIDTH),
        config.train_cfg.rpn.allowed_border,
    )
    corners = torch.from_numpy(
        np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    ).float()
    return bbox_overlaps(corners, priors[inside]).max(1).values.numpy()


@pytest.mark.parametrize('border', [-1, 0, 10])
@pytest.mark.parametrize(
    'generator',
    [
        {},
        dict(scales=[3, 4.5], ratios=[0.25, 1.0, 4.0]),
        dict(scales=[1.0], base_sizes=[4, 9, 17, 31, 64]),
        dict(center_offset=0.5),
        dict(scales=None, octave_base_scale=4, scales_per_octave=3),
    ],
    ids=['stock', 'two-scales', 'base-sizes', 'centred', 'octaves'],
)
def test_best_ious_are_those_of_the_whole_grid(border, generator):
    config = model(border, **generator)
    boxes = random_boxes()
    sizes = np.tile([float(HEIGHT), float(WIDTH)], (len(boxes), 1))
    found = best_ious(boxes, sizes, grid_of_model(config))
    wanted = best_by_mmdet(boxes, config)
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert wanted.std() > 0.05


def test_image_too_small_for_an_anchor_inside_has_none():
    grid = grid_of_model(model(border=0, strides=[64], scales=[1]))
    found = best_ious(
        np.array([[1.0, 1, 30, 30]]), np.array([[40.0, 40.0]]), grid
    )
    assert found.tolist() == [0]


def test_shares_are_counted_at_the_thresholds_of_the_assigner():
    grid = grid_of_model(model())
    found = coverage(np.array([0.1, 0.3, 0.45, 0.6, 0.7, 0.9]), grid)
    assert found['uncovered'] == pytest.approx(1 / 6)
    assert found['below_0.5'] == pytest.approx(3 / 6)
    assert found['below_pos_iou_thr'] == pytest.approx(4 / 6)
    assert coverage(np.zeros(0), grid) == {}


def test_assigner_that_matches_no_low_quality_covers_from_its_threshold():
    config = model()
    config.train_cfg.rpn.assigner.match_low_quality = False
    assert grid_of_model(config).min_pos_iou == 0.7


def test_sides_and_anchors_of_a_location():
    grid = grid_of_model(model(scales=[2, 3]))
    assert grid.per_location == 6
    assert grid.sides == [8, 12, 16, 24, 32, 48, 64, 96, 128, 192]
    assert stock_grid().sides == [32, 64, 128, 256, 512]


def test_scales_that_fit_rank_before_those_that_do_not():
    generator = np.random.default_rng(0)
    boxes = np.hstack(
        [generator.uniform(0, 400, (300, 2)), np.full((300, 2), 12.0)]
    )
    sizes = np.full((300, 2), 512.0)
    ranked = rank_scales(boxes, sizes, stock_grid(), [(8,), (3,), (16,)])
    assert ranked[0]['scales'] == [3]
    assert ranked[0]['uncovered'] == 0
    assert ranked[-1]['uncovered'] == 1
    assert ranked[0]['per_location'] == 3


def test_shapes_smaller_than_the_anchors_are_uncovered_and_others_not():
    rows = {
        (row['side'], row['aspect']): row
        for row in shape_coverage(stock_grid())
    }
    assert rows[8, 1]['uncovered'] == 1
    assert rows[32, 1]['uncovered'] == 0
    assert rows[32, 4]['mean_iou'] < rows[32, 1]['mean_iou']


def test_detector_without_anchors_is_said():
    with pytest.raises(BadConfigError, match='no anchor_generator'):
        grid_of_model(ConfigDict(type='FCOS', bbox_head=dict(type='FCOSHead')))
