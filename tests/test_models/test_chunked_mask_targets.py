"""Targets cut in chunks against those of mmdet's mask head."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.config import ConfigDict
from mmengine.registry import MODELS, init_default_scope

from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks
from cupre_mm.utils.errors import BadConfigError

HEAD = dict(num_convs=1, in_channels=2, conv_out_channels=2, num_classes=1)
HEIGHT, WIDTH = 40, 56


def build(kind: str, **arguments):
    init_default_scope('mmdet')
    return MODELS.build(dict(type=kind, **HEAD, **arguments))


def random_masks(kind: str, number: int, random: np.random.Generator):
    corners = random.uniform(0, 30, (number, 1, 2))
    polygons = [
        [(corner + random.uniform(0, 12, (5, 2))).ravel()]
        for corner in corners
    ]
    masks = PolygonMasks(polygons, HEIGHT, WIDTH)
    if kind == 'polygons':
        return masks
    dense = masks.to_ndarray().astype(np.uint8)
    if kind == 'bitmaps':
        return BitmapMasks(dense, HEIGHT, WIDTH)
    return CroppedBitmapMasks.from_dense(dense, HEIGHT, WIDTH)


def batch(kind: str, rois: tuple[int, ...], seed: int) -> tuple[list, list]:
    random = np.random.default_rng(seed)
    sampled, instances = [], []
    for number in rois:
        low = random.uniform(-5, 40, (number, 2))
        high = low + random.uniform(0, 20, (number, 2))
        sampled.append(
            SimpleNamespace(
                pos_priors=torch.tensor(np.hstack([low, high])).float(),
                pos_assigned_gt_inds=torch.tensor(
                    random.integers(0, 9, number)
                ).long(),
            )
        )
        masks = random_masks(kind, 9, random)
        instances.append(SimpleNamespace(masks=masks))
    return sampled, instances


# mmdet has no soft targets of polygons.
@pytest.mark.parametrize(
    ('kind', 'soft'),
    [
        ('bitmaps', False),
        ('bitmaps', True),
        ('crops', False),
        ('crops', True),
        ('polygons', False),
    ],
)
@pytest.mark.parametrize('chunk_size', [1, 5, 100])
def test_targets_are_mmdets_to_the_bit(kind: str, soft: bool, chunk_size: int):
    stock = build('FCNMaskHead')
    chunked = build('cupre_mm.RLEMaskHead', target_chunk_size=chunk_size)
    config = ConfigDict(mask_size=14, soft_mask_target=soft)
    some = 0
    for seed, rois in enumerate([(13,), (4, 0, 11), (0,), (1, 5)]):
        # Each has its own: mmdet clips the RoIs in place.
        expected = stock.get_targets(*batch(kind, rois, seed), config)
        found = chunked.get_targets(*batch(kind, rois, seed), config)
        assert found.shape == (sum(rois), 14, 14)
        assert torch.equal(found, expected)
        some += int(found.sum())
    assert some


def test_masks_are_cropped_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch):
    sampled, instances = batch('bitmaps', (9,), 0)
    taken = []
    cut = BitmapMasks.crop_and_resize

    def watch(self, *args, **kwargs):
        taken.append(len(self))
        return cut(self, *args, **kwargs)

    monkeypatch.setattr(BitmapMasks, 'crop_and_resize', watch)
    head = build('cupre_mm.RLEMaskHead', target_chunk_size=4)
    head.get_targets(sampled, instances, ConfigDict(mask_size=14))
    assert taken == [4, 4, 1]


def test_head_with_targets_of_its_own_keeps_them():
    class OwnTargets(FCNMaskHead):
        def get_targets(self, *args) -> tuple:
            return args

    init_default_scope('mmdet')
    name = 'OwnTargetsForTest'
    MMDET_MODELS.register_module(name=name, force=True, module=OwnTargets)
    head = build('cupre_mm.RLEMaskHead', head=name)
    assert head.get_targets(1, 2, 3) == (1, 2, 3)
    MMDET_MODELS.module_dict.pop(name)


def test_chunk_size_of_nothing_is_refused():
    with pytest.raises(BadConfigError, match='target_chunk_size >= 1, not 0'):
        build('cupre_mm.RLEMaskHead', target_chunk_size=0)
