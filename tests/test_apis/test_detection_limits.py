import pytest
import torch
from mmengine.config import Config

from cupre_mm.apis.detection_limits import (
    all_proposals,
    changed_limits,
    most_detections,
    scaled_limits,
    trained_area,
)
from tests.tiny_amt2 import build_model, detector_config


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_limits_change_inside_and_come_back():
    model = build_model(detector_config())
    assert most_detections(model) == 10

    def limits():
        return (
            model.rpn_head.test_cfg.nms_pre,
            model.rpn_head.test_cfg.max_per_img,
            model.roi_head.test_cfg.max_per_img,
        )

    before = limits()
    with changed_limits(model, 77):
        assert limits() == (77, 77, 77)
    assert limits() == before
    with pytest.raises(RuntimeError), changed_limits(model, 77):
        raise RuntimeError
    assert limits() == before


def test_limits_are_scaled_once_where_owners_share_a_config():
    model = build_model(detector_config())
    assert model.roi_head.test_cfg is model.test_cfg.rcnn
    proposals = model.rpn_head.test_cfg.max_per_img
    with scaled_limits(model, 2.55):
        assert most_detections(model) == 26
        assert model.rpn_head.test_cfg.max_per_img > 2 * proposals
    assert most_detections(model) == 10
    assert model.rpn_head.test_cfg.max_per_img == proposals


@pytest.mark.parametrize(
    ('pipeline', 'area'),
    [
        ([dict(type='RandomCrop', crop_size=(256, 128))], 256 * 128),
        ([dict(type='mmdet.RandomCrop', crop_size=64)], 64 * 64),
        (
            [
                dict(
                    type='RandomCrop',
                    crop_size=(0.5, 0.5),
                    crop_type='relative',
                )
            ],
            None,
        ),
        ([dict(type='Resize', scale=(512, 512))], None),
    ],
)
def test_trained_area_is_that_of_the_fixed_crop(pipeline, area):
    dataset = dict(type='X', dataset=dict(pipeline=pipeline))
    config = Config(dict(train_dataloader=dict(dataset=dataset)))
    assert trained_area(config) == area


def test_config_without_training_has_no_trained_area():
    assert trained_area(Config(dict(train_dataloader=None))) is None


def test_model_without_limit():
    model = build_model(detector_config())
    model.test_cfg.rcnn.max_per_img = -1
    assert most_detections(model) is None


def test_all_proposals_of_some_objectness_and_no_others():
    model = build_model(detector_config()).eval()
    features = [
        torch.randn(1, 16, 64 // 2**i, 64 // 2**i, generator=seeded())
        for i in range(5)
    ]
    metas = [dict(img_shape=(256, 256), scale_factor=(1.0, 1.0))]

    def scores():
        with torch.no_grad():
            outputs = model.rpn_head(features)
            (found,) = model.rpn_head.predict_by_feat(
                *outputs, batch_img_metas=metas
            )
        return found.scores

    limit = model.rpn_head.test_cfg.max_per_img
    with all_proposals(model, 0.0):
        everything = scores()
    least = float(everything.quantile(0.4))
    with all_proposals(model, least):
        better = scores()
    assert len(everything) > len(better) > limit
    # What is left out suppresses nothing that is better.
    torch.testing.assert_close(better, everything[everything >= least])
    assert len(scores()) == limit
