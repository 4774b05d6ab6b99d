"""Features of pixels, and their classes."""

import numpy as np
import pytest
import torch
from mmdet.models import DetDataPreprocessor
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import nn
from torch.nn.functional import avg_pool2d

from cupre_mm.evaluation.feature_probe.linear_probe import recalls
from cupre_mm.evaluation.feature_probe.pixel_features import (
    extract,
    pixel_classes,
)
from cupre_mm.utils.errors import BadConfigError
from tests.labelled_discs import disc_image


class Brightness(nn.Module):
    """A detector whose features are the image, at a fourth of its size."""

    def __init__(self) -> None:
        super().__init__()
        self.data_preprocessor = DetDataPreprocessor(pad_size_divisor=32)
        self.backbone = lambda x: (avg_pool2d(x, 4), avg_pool2d(x, 8))
        self.neck = lambda levels: [1 - level for level in levels]


def sample(seed: int, side: int = 96) -> dict:
    image, labels = disc_image(seed, side=side)
    masks = np.stack([labels == n for n in range(1, labels.max() + 1)])
    truth = DetDataSample(metainfo=dict(img_shape=(side, side)))
    truth.gt_instances = InstanceData(
        masks=BitmapMasks(masks.astype(np.uint8), side, side)
    )
    inputs = torch.from_numpy(np.repeat(image[None], 3, 0).copy())
    return dict(inputs=inputs, data_samples=truth)


def extracted(samples: list, names: list, batch_size: int, number=10**6):
    return extract(Brightness(), samples, names, batch_size, number, seed=1)


def test_the_rim_of_each_cell_is_its_border_also_between_two():
    masks = np.zeros((2, 6, 9), bool)
    masks[0, 1:5, 0:4] = True
    masks[1, 1:5, 4:8] = True
    drawn = pixel_classes(masks, (8, 9))
    assert drawn[:6].tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [2, 2, 2, 2, 2, 2, 2, 2, 0],
        # The first goes on beyond the image: no border there.
        [1, 1, 1, 2, 2, 1, 1, 2, 0],
        [1, 1, 1, 2, 2, 1, 1, 2, 0],
        [2, 2, 2, 2, 2, 2, 2, 2, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert (drawn[6:] == 255).all()


def test_an_image_without_cells_is_background():
    assert not pixel_classes(np.zeros((0, 4, 4), bool), (4, 4)).any()


def test_features_belong_to_their_pixels():
    train, test = (
        extracted([sample(s) for s in seeds], ['C2', 'P3'], 2)
        for seeds in ((0, 1, 2), (3, 4))
    )
    # 96 px are a grid of 24.
    assert train.levels['C2'].shape == (3 * 24 * 24, 3)
    assert train.classes.shape == (3 * 24 * 24,)
    fine, coarse = (
        recalls(
            (train.levels[name], train.classes),
            (test.levels[name], test.classes),
            3,
        )
        for name in ('C2', 'P3')
    )
    # Discs are bright; at chance it would be a third.
    assert min(fine[:2]) > 0.8
    assert min(coarse) > 0.7


def test_padding_is_left_out():
    found = extracted([sample(0), sample(1, side=64)], ['C2'], 2)
    assert len(found.classes) == 24 * 24 + 16 * 16


def test_a_level_that_is_none_is_told():
    with pytest.raises(BadConfigError, match=r'no level P9.*C2, C3, P2, P3'):
        extracted([sample(0)], ['P9'], 1)


def test_some_pixels_of_all_batches_keep_their_class():
    samples = [sample(seed) for seed in range(3)]
    whole, few = (
        extracted(samples, ['C2', 'P2'], 2, number) for number in (10**6, 50)
    )
    assert len(few.classes) == 50
    assert few.levels['P2'].equal(1 - few.levels['C2'])
    known = {
        (*features, int(kind))
        for features, kind in zip(
            whole.levels['C2'].tolist(), whole.classes, strict=True
        )
    }
    drawn = zip(few.levels['C2'].tolist(), few.classes, strict=True)
    assert all((*features, int(kind)) in known for features, kind in drawn)
    # Of the last image, which is a batch of its own, there are some too.
    last = {tuple(row) for row in whole.levels['C2'][2 * 24 * 24 :].tolist()}
    assert any(tuple(row) in last for row in few.levels['C2'].tolist())


def test_no_batch_is_much_smaller_than_the_others():
    sizes = []
    model = Brightness()
    model.backbone = lambda x: (sizes.append(len(x)), avg_pool2d(x, 4))[1:]
    model.neck = lambda levels: levels
    extract(model, [sample(0)] * 9, ['C2'], 4, 10, seed=0)
    assert sizes == [3, 3, 3]


def test_fixed_statistics_give_way_to_those_of_the_batch():
    class Backbone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, x):
            return (self.norm(avg_pool2d(x, 4)),)

    model = Brightness()
    model.backbone, model.neck = Backbone(), lambda levels: levels
    found = extract(model, [sample(0)], ['C2'], 1, 10**6, seed=0)
    means = found.levels['C2'].mean(0)
    assert torch.allclose(means, torch.zeros(3), atol=1e-4)
