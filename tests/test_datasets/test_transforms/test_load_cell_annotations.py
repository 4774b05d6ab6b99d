"""Annotations with masks as crops against those of mmdet."""

import copy

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmdet.registry import TRANSFORMS
from mmdet.utils import register_all_modules
from pycocotools import mask as mask_utils

from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks

HEIGHT, WIDTH = 60, 80


def sample() -> dict:
    """Polygons, both kinds of run-length codes, and broken entries."""
    random = np.random.default_rng(0)
    instances = []
    for n in range(24):
        corner = random.uniform(0, 55, 2)
        outline = corner + random.uniform(0, 20, (6, 2))
        mask = [outline.ravel().tolist()]
        if n % 4 == 1:
            mask.append((outline + 9).ravel().tolist())
        if n % 4 == 2:
            code = mask_utils.frPyObjects(mask, HEIGHT, WIDTH)[0]
            mask = {'size': code['size'], 'counts': code['counts'].decode()}
        if n % 4 == 3:
            counts = [int(random.integers(400)), 7, HEIGHT - 7, 5]
            counts.append(HEIGHT * WIDTH - sum(counts))
            mask = {'size': [HEIGHT, WIDTH], 'counts': counts}
        if n == 12:
            mask = [[1.0, 2.0]]
        instances.append(
            dict(
                bbox=[*outline.min(0), *outline.max(0)],
                bbox_label=0,
                ignore_flag=int(n == 5),
                mask=mask,
            )
        )
    return dict(
        img=np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        img_shape=(HEIGHT, WIDTH),
        ori_shape=(HEIGHT, WIDTH),
        img_id=0,
        img_path='x',
        instances=instances,
    )


def run(loader: str, **settings) -> dict:
    register_all_modules(init_default_scope=True)
    steps = [
        dict(type=loader, with_bbox=True, with_mask=True, **settings),
        dict(
            type='RandomChoiceResize',
            scales=[(133, edge) for edge in (47, 66, 90)],
            keep_ratio=True,
        ),
        dict(
            type='RandomCrop',
            crop_size=(50, 50),
            crop_type='absolute',
            allow_negative_crop=True,
        ),
        dict(
            type='RandomFlip',
            prob=[0.25, 0.25, 0.25],
            direction=['horizontal', 'vertical', 'diagonal'],
        ),
        dict(type='PackDetInputs', meta_keys=('img_shape',)),
    ]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    return pipeline(copy.deepcopy(sample()))['data_samples']


@pytest.mark.parametrize('seed', range(12))
def test_livecell_pipeline_gives_the_masks_of_mmdet(seed: int):
    results = []
    for loader in ('LoadAnnotations', 'cupre_mm.LoadCellAnnotations'):
        np.random.seed(seed)
        results.append(run(loader))
    stock, ours = results
    assert ours.img_shape == stock.img_shape
    for name in ('gt_instances', 'ignored_instances'):
        expected, found = stock.get(name), ours.get(name)
        assert len(found) == len(expected)
        assert (found.bboxes.numpy() == expected.bboxes.numpy()).all()
        assert isinstance(found.masks, CroppedBitmapMasks)
        np.testing.assert_array_equal(found.masks.masks, expected.masks.masks)
    assert len(stock.gt_instances) > 3


def test_polygons_are_kept_on_request():
    masks = run('cupre_mm.LoadCellAnnotations', poly2mask=False)
    assert type(masks.gt_instances.masks).__name__ == 'PolygonMasks'
