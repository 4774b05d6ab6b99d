"""Factors are those that mmdet's own transforms apply."""

import numpy as np
import pytest
from mmdet.registry import TRANSFORMS
from mmengine.registry import init_default_scope

from cupre_mm.utils.dataset_inspection.pipeline_scale import scalings_of

SIZES = np.array([(520, 704), (256, 256), (1024, 600), (33, 97)], float)


def applied(step: dict, height: int, width: int) -> tuple[float, float]:
    """Factors of width and height that the transform itself reports."""
    init_default_scope('mmdet')
    results = dict(
        img=np.zeros((height, width, 3), np.uint8), img_shape=(height, width)
    )
    return TRANSFORMS.build(dict(step)).transform(results)['scale_factor']


@pytest.mark.parametrize(
    'step',
    [
        dict(type='Resize', scale=(1333, 520), keep_ratio=True),
        dict(type='Resize', scale=(200, 100), keep_ratio=False),
        dict(type='Resize', scale_factor=1.3, keep_ratio=True),
        dict(type='RandomChoiceResize', scales=[(640, 333)], keep_ratio=True),
        dict(
            type='RandomResize',
            scale=(512, 300),
            ratio_range=(0.75, 0.75),
            keep_ratio=True,
        ),
    ],
    ids=lambda step: '-'.join(map(str, step.values())),
)
def test_factors_are_those_of_the_transform(step):
    ((scaling,), others) = scalings_of([step], SIZES)
    assert others == []
    wanted = [applied(step, *map(int, size)) for size in SIZES]
    np.testing.assert_allclose(scaling.factors, wanted)


def test_every_scale_of_a_choice_is_looked_at():
    step = dict(
        type='RandomChoiceResize', scales=[(99, 50), (99, 80)], keep_ratio=True
    )
    scalings, _ = scalings_of([step], SIZES[:1])
    assert [one.name for one in scalings] == ['99x50', '99x80']


@pytest.mark.parametrize(
    'scale', [dict(scale=(100, 200), ratio_range=(0.5, 2.0)),
              dict(scale=[(50, 100), (200, 400)])],
)  # fmt: skip
def test_range_is_looked_at_from_end_to_end(scale):
    step = dict(type='RandomResize', keep_ratio=True, **scale)
    scalings, _ = scalings_of([step], np.array([[400.0, 400.0]]))
    factors = [one.factors[0, 0] for one in scalings]
    assert factors[0] == 50 / 400
    assert factors[-1] == 200 / 400
    assert np.ptp(np.diff(factors)) < 0.01


def test_resizes_follow_each_other():
    steps = [
        dict(type='Resize', scale_factor=0.5),
        dict(type='Resize', scale=(1000, 520), keep_ratio=True),
    ]
    ((scaling,), _) = scalings_of(steps, SIZES[:1])
    np.testing.assert_allclose(scaling.factors, [[1.0, 1.0]])


def test_pipeline_without_a_resize_keeps_sizes_and_names_its_crop():
    steps = [dict(type='mmdet.RandomCrop'), dict(type='PackDetInputs')]
    ((scaling,), others) = scalings_of(steps, SIZES)
    assert (scaling.factors == 1).all()
    assert others == ['RandomCrop']
