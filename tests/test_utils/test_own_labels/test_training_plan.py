import math
from pathlib import Path

import numpy as np
import pytest

from cupre_mm.utils.dataset_inspection.anchor_coverage import stock_grid
from cupre_mm.utils.dataset_inspection.light_coco import CocoBoxes
from cupre_mm.utils.own_labels.training_plan import (
    choose_budget,
    choose_crop,
    choose_factor,
    choose_scales,
    make_plan,
)


def _squares(side: float, count: int = 400, image: int = 256) -> CocoBoxes:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, image - side, (count, 2))
    return CocoBoxes(
        path=Path('x.json'),
        images=[dict(id=1, file_name='a', height=image, width=image)],
        image_of=np.zeros(count, np.int64),
        boxes=np.hstack([places, np.full((count, 2), side)]),
        areas=np.full(count, side * side),
        crowds=0,
        degenerate=0,
    )


@pytest.mark.parametrize(
    ('diameter', 'factor'),
    [
        (12, 2.0),  # up to 24 px
        (24, 1.0),
        (40, 1.0),
        (64, 1.0),
        (100, 0.64),  # down to 64 px
        (2, 4.0),  # 12 would be needed
        (2000, 0.12),
        (17, 1.4),  # 24 / 17 = 1.41
    ],
)
def test_factor_brings_the_diameter_to_the_nearer_limit(diameter, factor):
    assert choose_factor(diameter) == factor


@pytest.mark.parametrize(
    ('cells', 'device', 'iterations'),
    [
        (400, 'cpu', 200),  # 10 x 20
        (487, 'cpu', 200),  # 10 x 22.07, to the nearest 50
        (20, 'cpu', 100),
        (10**6, 'cpu', 600),
        (400, 'cuda', 1200),  # 60 x 20
        (9, 'cuda', 500),
        (10**6, 'cuda', 10000),
    ],
)
def test_budget_grows_with_the_root_of_the_cells(cells, device, iterations):
    assert choose_budget(cells, device) == iterations


def test_crop_is_bounded_by_memory_images_and_cells():
    assert choose_crop(30, 2000, 256) == 256
    assert choose_crop(30, 100, 256) == 128
    # Six cells of 64 px are more than what memory would suggest.
    assert choose_crop(64, 2000, 256) == 384


def test_anchors_follow_the_cells():
    grid = stock_grid()
    small = _squares(12)
    sizes = small.image_sizes[small.image_of]
    assert choose_scales(small.boxes, sizes, grid)[0] in (2.0, 3.0)
    large = _squares(64)
    assert choose_scales(large.boxes, sizes, grid) == (8.0,)


def test_several_scales_of_a_base_model_are_left_alone():
    # Their number is that of the RPN's outputs.
    grid = stock_grid().with_scales([2, 8])
    small = _squares(12)
    sizes = small.image_sizes[small.image_of]
    assert choose_scales(small.boxes, sizes, grid) == (2.0, 8.0)


def test_plan_of_small_cells_on_a_cpu():
    side = 12 * math.sqrt(math.pi) / 2  # the area of a disc of 12 px
    plan = make_plan(
        _squares(side),
        stock_grid().with_scales([4]),
        size='mini',
        device='cpu',
        classes=('cell',),
    )
    assert plan.diameter == 12.0
    assert plan.factor == 2.0
    assert plan.cell_diameter == 24.0
    assert (plan.crop, plan.batch_size) == (256, 4)
    assert (plan.iterations, plan.val_interval) == (200, 20)
    assert plan.uncovered == 0


def test_user_overrides_budget_and_batch():
    plan = make_plan(
        _squares(24),
        stock_grid(),
        size='full',
        device='cuda',
        classes=('cell',),
        iterations=7,
        batch_size=3,
    )
    assert (plan.iterations, plan.val_interval, plan.batch_size) == (7, 1, 3)
