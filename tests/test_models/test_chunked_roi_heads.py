"""RoI heads that predict in chunks against those of mmdet."""

import copy

import pytest
import torch
from mmdet.models.test_time_augs import DetTTAModel
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils
from torch import nn

from cupre_mm.utils.errors import BadConfigError
from tests.tiny_amt2 import build_model, detector_config, model_config

SIDE = 96
CHUNKED = {
    'CascadeRoIHead': 'cupre_mm.ChunkedCascadeRoIHead',
    'StandardRoIHead': 'cupre_mm.ChunkedStandardRoIHead',
}


def cascade() -> ConfigDict:
    return detector_config()


def amt2_cascade() -> ConfigDict:
    return model_config()


def with_rle_masks() -> ConfigDict:
    config = detector_config()
    config.roi_head.mask_head.type = 'cupre_mm.RLEMaskHead'
    return config


def mask_rcnn() -> ConfigDict:
    """Mask R-CNN with the parts of the cascade's first stage."""
    config = detector_config()
    config.type = 'MaskRCNN'
    head = config.roi_head
    head.type = 'StandardRoIHead'
    head.bbox_head = head.bbox_head[0]
    del head['num_stages'], head['stage_loss_weights']
    config.train_cfg.rcnn = config.train_cfg.rcnn[0]
    return config


def build_pair(config: ConfigDict, **settings) -> tuple[nn.Module, nn.Module]:
    """mmdet's model, and ours with its weights."""
    config.test_cfg.rpn.max_per_img = 30
    chunked = copy.deepcopy(config)
    chunked.roi_head.type = CHUNKED[config.roi_head.type]
    chunked.roi_head.update(settings)
    stock, chunked = build_model(config), build_model(chunked)
    chunked.load_state_dict(stock.state_dict(), strict=True)
    return stock, chunked


def batch(number: int, seed: int, **metainfo) -> dict:
    generator = torch.Generator().manual_seed(seed)
    images, samples = [], []
    for _ in range(number):
        images.append(
            torch.randint(0, 256, (3, SIDE, SIDE), generator=generator)
        )
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(SIDE, SIDE),
                ori_shape=(SIDE, SIDE),
                scale_factor=(1.0, 1.0),
                **metainfo,
            )
        )
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def check_same(found: InstanceData, expected: InstanceData) -> None:
    assert len(found) == len(expected) > 0
    assert torch.equal(found.labels, expected.labels)
    for name in ('bboxes', 'scores'):
        torch.testing.assert_close(
            found[name], expected[name], rtol=1e-4, atol=1e-4
        )
    if 'masks' in expected:
        masks, others = (
            torch.as_tensor(mask_utils.decode(each.masks)).bool()
            if isinstance(each.masks, list)
            else each.masks
            for each in (found, expected)
        )
        # Pixels at the threshold may fall to either side.
        assert (masks != others).float().mean() < 1e-3


@pytest.mark.parametrize(
    'config', [cascade, amt2_cascade, with_rle_masks, mask_rcnn]
)
@pytest.mark.parametrize('chunk_size', [1, 7, 1000])
def test_detections_are_mmdets(config, chunk_size: int):
    stock, chunked = build_pair(config(), chunk_size=chunk_size)
    for number, seed in ((1, 0), (3, 1)):
        with torch.no_grad():
            expected = stock.eval().test_step(batch(number, seed))
            found = chunked.eval().test_step(batch(number, seed))
        for one, other in zip(found, expected, strict=True):
            check_same(one.pred_instances, other.pred_instances)


def test_only_a_chunk_of_rois_goes_through_a_head():
    _, chunked = build_pair(cascade(), chunk_size=7)
    sizes = []
    for head in (*chunked.roi_head.bbox_head, *chunked.roi_head.mask_head):
        head.register_forward_hook(
            lambda _, inputs, __: sizes.append(len(inputs[0]))
        )
    with torch.no_grad():
        found = chunked.eval().test_step(batch(1, 0))[0].pred_instances
    # 30 proposals and 10 detections in three stages each.
    assert len(found) == 10
    assert sizes == [7, 7, 7, 7, 2] * 3 + [7, 3] * 3


def test_training_is_mmdets_to_the_bit():
    results = []
    for model in build_pair(cascade(), chunk_size=3):
        data = batch(2, seed=4)
        for sample in data['data_samples']:
            masks = torch.zeros(5, SIDE, SIDE, dtype=torch.uint8)
            boxes = torch.tensor(
                [[8.0 * n, 9, 8 * n + 20, 40] for n in range(5)]
            )
            for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist()):
                mask[y1:y2, x1:x2] = 1
            sample.gt_instances = InstanceData(
                bboxes=boxes, labels=torch.arange(5), masks=_bitmaps(masks)
            )
        torch.manual_seed(0)
        data = model.train().data_preprocessor(data, True)
        losses = model(**data, mode='loss')
        model.parse_losses(losses)[0].backward()
        results.append((losses, [p.grad for p in model.parameters()]))
    (stock, stock_grads), (chunked, grads) = results
    assert stock.keys() == chunked.keys()
    for name, value in stock.items():
        assert torch.equal(_tensor(value), _tensor(chunked[name])), name
    for one, other in zip(stock_grads, grads, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


def _bitmaps(masks: torch.Tensor) -> BitmapMasks:
    return BitmapMasks(masks.numpy(), SIDE, SIDE)


def _tensor(value) -> torch.Tensor:
    return torch.stack(value) if isinstance(value, list) else value


def test_image_without_proposals_or_detections():
    config = with_rle_masks()
    config.test_cfg.rcnn.score_thr = 1.0
    stock, chunked = build_pair(config, chunk_size=2)
    with torch.no_grad():
        for model in (stock, chunked):
            found = model.eval().test_step(batch(2, 0))
            assert [len(one.pred_instances) for one in found] == [0, 0]
    features = chunked.extract_feat(torch.zeros(1, 3, SIDE, SIDE))
    empty = [InstanceData(bboxes=torch.zeros(0, 4))]
    found = chunked.roi_head.predict(
        features, empty, batch(1, 0)['data_samples']
    )
    assert len(found[0]) == 0


def test_tensor_mode_gives_the_tensors_of_mmdet():
    results = []
    for model in build_pair(cascade(), chunk_size=7):
        data = model.eval().data_preprocessor(batch(2, 3), False)
        with torch.no_grad():
            results.append(model(**data, mode='tensor'))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


def test_augmented_test_of_boxes_is_mmdets():
    config = cascade()
    del config.roi_head['mask_head'], config.roi_head['mask_roi_extractor']
    results = []
    for model in build_pair(config, chunk_size=7):
        tta = DetTTAModel(
            tta_cfg=ConfigDict(
                nms=dict(type='nms', iou_threshold=0.5), max_per_img=10
            ),
            module=model,
        ).eval()
        plain = batch(1, 0, flip=False, flip_direction=None)
        flipped = batch(1, 0, flip=True, flip_direction='horizontal')
        flipped['inputs'][0] = flipped['inputs'][0].flip(-1)
        views = {
            name: [plain[name], flipped[name]]
            for name in ('inputs', 'data_samples')
        }
        with torch.no_grad():
            results.append(tta.test_step(views)[0].pred_instances)
    check_same(*results)


def test_chunk_size_of_nothing_is_refused():
    with pytest.raises(BadConfigError, match='chunk_size >= 1, not 0'):
        build_pair(cascade(), chunk_size=0)
