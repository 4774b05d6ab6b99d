import io

import pytest
import torch
from mmcv.ops import batched_nms

from cupre_mm.apis.model_export import (
    compare,
    make_portable,
    to_torchscript,
)
from cupre_mm.utils.errors import BadConfigError, BadDataError
from tests.tiny_amt2 import build_model, detector_config

SIZES = ((64, 64), (100, 37), (97, 160), (33, 129))


def noise(*sizes):
    generator = torch.Generator().manual_seed(3)
    return [
        torch.randint(0, 256, (3, *s), dtype=torch.uint8, generator=generator)
        for s in sizes
    ]


def mask_rcnn_config():
    config = detector_config()
    config.type = 'MaskRCNN'
    roi = config.roi_head
    roi.type = 'StandardRoIHead'
    del roi['num_stages'], roi['stage_loss_weights']
    roi.bbox_head = roi.bbox_head[0]
    roi.bbox_head.reg_class_agnostic = False
    config.train_cfg.rcnn = config.train_cfg.rcnn[0]
    return config


@pytest.mark.parametrize('config', [detector_config, mask_rcnn_config])
def test_exported_detector_finds_the_same_on_all_sizes(config):
    model = build_model(config()).eval()
    content = to_torchscript(make_portable(model, faster=False), {})
    found = compare(model, content, noise(*SIZES))
    assert found.images == 4
    assert found.detections == 40
    assert found.box < 1e-3
    assert found.score < 1e-6
    assert found.mask_pixels <= 2


def test_suppression_group_by_group_finds_the_same(monkeypatch):
    whole = batched_nms
    monkeypatch.setattr(
        'mmdet.models.dense_heads.rpn_head.batched_nms',
        lambda boxes, scores, idxs, cfg: whole(
            boxes, scores, idxs, {**cfg, 'split_thr': 20}
        ),
    )
    model = build_model(detector_config()).eval()
    portable = make_portable(model, faster=False)
    portable._split = 20
    content = to_torchscript(portable, {})
    assert compare(model, content, noise((64, 64))).box < 1e-3


def test_score_threshold_leaves_out_the_worse():
    model = build_model(detector_config()).eval()
    # Untrained, all scores are equal.
    for head in model.roi_head.bbox_head:
        torch.nn.init.normal_(head.fc_cls.weight, std=2.0)
    content = to_torchscript(make_portable(model, faster=False), {})
    portable = torch.jit.load(io.BytesIO(content))
    image = noise((64, 64))[0].float()
    scores = portable(image)[1]
    least = float(scores.median())
    found = portable(image, least)
    assert 0 < len(found[1]) < len(scores)
    assert torch.equal(found[1], scores[scores >= least])
    boxes, _, labels, masks = portable(image, 2.0)
    assert len(boxes) == len(labels) == len(masks) == 0


def test_another_model_is_told_apart():
    config = detector_config()
    model, other = (build_model(config, seed).eval() for seed in (0, 1))
    content = to_torchscript(make_portable(other, faster=False), {})
    with pytest.raises(BadDataError, match=r'differs|finds'):
        compare(model, content, noise((64, 64)))


@pytest.mark.parametrize(
    ('key', 'value', 'named'),
    [
        ('test_cfg.rcnn.nms', dict(type='soft_nms', iou_threshold=0.5), 'nms'),
        (
            'roi_head.mask_roi_extractor',
            dict(
                type='GenericRoIExtractor',
                aggregation='sum',
                roi_layer=dict(type='RoIAlign', output_size=14),
                out_channels=16,
                featmap_strides=[4, 8, 16, 32],
            ),
            'roi_extractor',
        ),
    ],
)
def test_unknown_part_is_named(key, value, named):
    config = detector_config()
    *parents, last = key.split('.')
    place = config
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(BadConfigError, match=named):
        make_portable(build_model(config))


def test_detector_of_another_family_is_refused():
    with pytest.raises(BadConfigError, match='roi_head is NoneType'):
        make_portable(torch.nn.Conv2d(3, 3, 1))
