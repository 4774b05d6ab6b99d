import copy

import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from cupre_mm.apis.faster_model import (
    make_faster,
    num_left_out,
    set_least_score,
)
from tests.tiny_amt2 import build_model, detector_config


@pytest.fixture(scope='module')
def models():
    stock = build_model(detector_config()).eval()
    return stock, make_faster(copy.deepcopy(stock))


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.rand(1, 16, side, side, generator=generator)
        for side in (32, 16, 8, 4)
    )


def found_objects(number=6):
    generator = torch.Generator().manual_seed(1)
    corners = 80 * torch.rand(number, 2, generator=generator)
    sides = 5 + 40 * torch.rand(number, 2, generator=generator)
    return InstanceData(
        bboxes=torch.cat([corners, corners + sides], dim=1),
        scores=torch.linspace(0.9, 0.1, number),
        labels=torch.arange(number),
    )


def predict_masks(model, features, number=6):
    meta = dict(
        img_shape=(128, 128), ori_shape=(128, 128), scale_factor=(1.0, 1.0)
    )
    with torch.inference_mode():
        return model.roi_head.predict_mask(
            features, [meta], [found_objects(number)], rescale=False
        )[0]


def test_mask_head_gives_what_the_transposed_convolution_gave(models):
    stock, faster = (model.roi_head.mask_head[0] for model in models)
    rois = torch.rand(5, 16, 14, 14)
    with torch.inference_mode():
        expected, got = stock(rois), faster(rois)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)
    assert expected.std() > 1e-3


def test_mask_head_takes_no_roi(models):
    _, faster = models
    out = faster.roi_head.mask_head[0](torch.zeros(0, 16, 14, 14))
    assert out.shape == (0, 20, 28, 28)


def test_rois_are_cut_out_to_the_same_bits(models, features):
    stock, faster = (m.roi_head.bbox_roi_extractor[0] for m in models)
    corners = 60 * torch.rand(40, 2)
    sides = torch.rand(40, 2) * torch.linspace(1, 300, 40)[:, None]
    first = torch.zeros(40, 1)
    rois = torch.cat([first, corners, corners + sides], dim=1)
    assert len(stock.map_roi_levels(rois, 4).unique()) > 1
    with torch.inference_mode():
        assert torch.equal(faster(features, rois), stock(features, rois))


def test_backbone_without_normalisation_layers_gives_the_same(models):
    stock, faster = models
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        for one, other in zip(
            faster.extract_feat(image), stock.extract_feat(image)
        ):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    kinds = {type(part) for part in faster.backbone.modules()}
    assert torch.nn.BatchNorm2d not in kinds


def test_masks_of_a_cascade_are_equal(models, features):
    stock, faster = (predict_masks(model, features) for model in models)
    assert (faster.masks != stock.masks).sum() <= 2
    assert stock.masks.any()


def test_masks_are_equal_beyond_one_chunk_of_rois(
    models, features, monkeypatch
):
    monkeypatch.setattr('cupre_mm.apis.faster_model._CHUNK', 2)
    stock, faster = (predict_masks(model, features) for model in models)
    assert (faster.masks != stock.masks).sum() <= 2


def test_only_good_detections_get_a_mask(models, features):
    stock, faster = models
    set_least_score(faster, 0.5)
    try:
        found = predict_masks(faster, features)
    finally:
        set_least_score(faster, 0.0)
    everything = predict_masks(stock, features)
    good = everything.scores >= 0.5
    assert num_left_out(found) == int((~good).sum()) == 3
    assert found.scores.tolist() == everything.scores[good].tolist()
    assert (found.masks != everything.masks[good]).sum() <= 2


def test_no_good_detection_is_no_mask(models, features):
    _, faster = models
    set_least_score(faster, 0.95)
    try:
        found = predict_masks(faster, features)
    finally:
        set_least_score(faster, 0.0)
    assert len(found) == 0
    assert num_left_out(found) == 6
    assert len(found.masks) == 0


def test_made_faster_twice_is_made_faster_once(models, features):
    _, faster = models
    again = make_faster(copy.deepcopy(faster))
    one, two = (predict_masks(m, features) for m in (faster, again))
    assert torch.equal(one.masks, two.masks)


def test_mask_head_with_a_forward_of_its_own_is_left_alone():
    class Doubling(FCNMaskHead):
        def forward(self, x):
            return 2 * super().forward(x)

    model = build_model(detector_config()).eval()
    model.roi_head.mask_head[0].__class__ = Doubling
    rois = torch.rand(2, 16, 14, 14)
    expected = model.roi_head.mask_head[0](rois)
    make_faster(model)
    assert type(model.roi_head.mask_head[0]) is Doubling
    assert torch.equal(model.roi_head.mask_head[0](rois), expected)


def test_bfloat16_gives_float32_near_the_exact_values():
    stock = build_model(detector_config()).eval()
    model = make_faster(copy.deepcopy(stock), bfloat16=True)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for one, other in zip(
            model.extract_feat(image), stock.extract_feat(image)
        ):
            assert one.dtype == torch.float32
            apart = (one - other).abs().mean() / other.abs().mean()
            assert 0 < apart < 0.05


def test_whole_model_predicts(models):
    _, faster = models
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(64, 64), ori_shape=(64, 64), scale_factor=(1.0, 1.0)
        )
    )
    image = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        (found,) = faster.test_step(
            dict(inputs=[image], data_samples=[sample])
        )
    assert len(found.pred_instances) == 10


def test_model_without_such_parts_is_left_alone():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1))
    assert make_faster(model) is model
    set_least_score(model, 0.5)
    assert num_left_out(InstanceData()) == 0
