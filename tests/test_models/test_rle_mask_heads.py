"""Heads that give run-length codes against the heads of mmdet."""

import copy
import pickle

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import encode_mask_results
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from cupre_mm.evaluation import DumpPredictions
from cupre_mm.models import RLEMaskMixin
from cupre_mm.utils.errors import BadConfigError
from tests.test_tools.conftest import CONFIG, write_data
from tests.tiny_amt2 import build_model, detector_config

COMMON = dict(num_convs=1, in_channels=4, conv_out_channels=4, num_classes=3)
HEADS = {
    'FCNMaskHead': COMMON,
    'HTCMaskHead': COMMON,
    'SCNetMaskHead': dict(COMMON, num_convs=2),
    'CoarseMaskHead': dict(COMMON, num_fcs=1, fc_out_channels=8),
    'DynamicMaskHead': dict(
        COMMON,
        dynamic_conv_cfg=dict(
            type='DynamicConv',
            in_channels=4,
            feat_channels=4,
            out_channels=4,
            input_feat_shape=14,
        ),
    ),
}
TEST_CFG = ConfigDict(mask_thr_binary=0.5)


def build_pair(name: str = 'FCNMaskHead', **arguments) -> tuple:
    """mmdet's head, and ours with its weights."""
    init_default_scope('mmdet')
    arguments = {**HEADS[name], **arguments}
    stock = MODELS.build(dict(type=name, **arguments))
    rle = MODELS.build(
        dict(type='cupre_mm.RLEMaskHead', head=name, **arguments)
    )
    rle.load_state_dict(stock.state_dict(), strict=True)
    return stock, rle


def detections(number: int, seed: int = 0) -> InstanceData:
    """Boxes in a resized image of 100 x 140, some over its edges."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(number, 2, generator=generator)
    centres = centres * torch.tensor([140, 100])
    halves = 1 + 20 * torch.rand(number, 2, generator=generator)
    return InstanceData(
        bboxes=torch.cat([centres - halves, centres + halves], dim=1),
        labels=torch.randint(0, 3, (number,), generator=generator),
        scores=torch.rand(number, generator=generator),
    )


def predict(head, logits, numbers=(40,), **options) -> list[InstanceData]:
    meta = dict(ori_shape=(70, 97), scale_factor=(1.4431, 1.4285))
    results = [detections(n, seed) for seed, n in enumerate(numbers)]
    return head.predict_by_feat(
        list(logits.split(numbers)),
        results,
        [meta] * len(numbers),
        TEST_CFG,
        **options,
    )


def assert_same(ours: InstanceData, stock: InstanceData) -> None:
    assert ours.masks == encode_mask_results(stock.masks.numpy())
    for name in ('bboxes', 'labels', 'scores'):
        assert torch.equal(ours[name], stock[name])


@pytest.mark.parametrize('name', HEADS)
@pytest.mark.parametrize('rescale', [True, False])
def test_head_of_mmdet_with_the_same_layers_and_masks(name, rescale):
    stock, rle = build_pair(name)
    assert isinstance(rle, (FCNMaskHead, RLEMaskMixin))
    assert type(rle).__name__ == f'RLE{name}'
    assert list(rle.state_dict()) == list(stock.state_dict())
    size = 7 if name == 'CoarseMaskHead' else 28
    logits = 2 * torch.randn(40, 3, size, size)
    theirs = predict(stock, logits, rescale=rescale)[0]
    assert theirs.masks.shape[1:] == ((70, 97) if rescale else (100, 140))
    assert theirs.masks.any()
    assert_same(predict(rle, logits, rescale=rescale)[0], theirs)


@pytest.mark.parametrize('options', [{}, dict(activate_map=True)])
@pytest.mark.parametrize('class_agnostic', [True, False])
def test_options_of_the_head(options, class_agnostic):
    stock, rle = build_pair(class_agnostic=class_agnostic)
    predictions = torch.randn(40, 1 if class_agnostic else 3, 28, 28)
    if options:
        predictions = predictions.sigmoid()
    theirs = predict(stock, predictions, **options)[0]
    assert_same(predict(rle, predictions, **options)[0], theirs)


def test_batch_with_an_image_without_detections():
    stock, rle = build_pair()
    logits = torch.randn(12, 3, 28, 28)
    numbers = (5, 0, 7)
    ours = predict(rle, logits, numbers, rescale=True)
    for mine, theirs in zip(
        ours, predict(stock, logits, numbers, rescale=True)
    ):
        assert_same(mine, theirs)
    assert ours[1].masks == []


def test_instances_can_be_selected():
    _, rle = build_pair()
    results = predict(rle, torch.randn(40, 3, 28, 28))[0]
    kept = results.scores > 0.5
    order = results.scores.argsort(descending=True)
    for chosen in (kept, order, slice(3, 9), ~kept & kept):
        numbers = np.arange(40)[
            chosen if isinstance(chosen, slice) else chosen.numpy()
        ]
        part = results[chosen]
        assert part.masks == [results.masks[i] for i in numbers]
        assert len(part) == len(numbers)
    both = InstanceData.cat([results[:3], results[3:]])
    assert both.masks == results.masks


def test_head_can_be_copied_and_registered_by_a_user():
    @MMDET_MODELS.register_module(name='TestsOwnHead', force=True)
    class OwnHead(RLEMaskMixin, FCNMaskHead):
        pass

    try:
        config = dict(type='cupre_mm.RLEMaskHead', head='mmdet.TestsOwnHead')
        assert type(MODELS.build(dict(config, **COMMON))) is OwnHead
    finally:
        del MMDET_MODELS.module_dict['TestsOwnHead']
    _, rle = build_pair()
    assert type(copy.deepcopy(rle)) is type(rle)


@pytest.mark.parametrize(
    ('head', 'said'),
    [
        ('NoSuchHead', "'NoSuchHead' is not registered"),
        ('MaskPointHead', "'MaskPointHead' is not one"),
        ('GridHead', "'GridHead' is not one"),
    ],
)
def test_head_of_another_family_is_refused(head, said):
    init_default_scope('mmdet')
    config = dict(type='cupre_mm.RLEMaskHead', head=head, **COMMON)
    with pytest.raises(BadConfigError, match=said):
        MODELS.build(config)


def test_map_of_probabilities_is_refused():
    _, rle = build_pair()
    with pytest.raises(BadConfigError, match='mask_thr_binary=-1'):
        rle.predict_by_feat(
            [torch.randn(40, 3, 28, 28)],
            [detections(40)],
            [dict(ori_shape=(70, 97), scale_factor=(1.0, 1.0))],
            ConfigDict(mask_thr_binary=-1),
        )


def test_cascade_with_three_merged_heads():
    config = detector_config()
    # Masks of unsure heads lie around the threshold.
    config.test_cfg.rcnn.mask_thr_binary = 0.5
    stock = build_model(copy.deepcopy(config)).eval()
    config.roi_head.mask_head.type = 'cupre_mm.RLEMaskHead'
    rle = build_model(config).eval()
    rle.load_state_dict(stock.state_dict(), strict=True)
    assert all(isinstance(h, RLEMaskMixin) for h in rle.roi_head.mask_head)
    runs = []
    for model in (stock, rle):
        torch.manual_seed(0)
        runs.append(model.test_step(batch(2)))
    for theirs, ours in zip(*runs):
        assert len(theirs.pred_instances) == 10
        assert theirs.pred_instances.masks.any()
        assert_same(ours.pred_instances, theirs.pred_instances)


def batch(number: int) -> dict:
    """Random images of 64 x 96 as a data loader gives them, and samples."""
    meta = dict(
        img_id=0,
        ori_shape=(43, 64),
        img_shape=(64, 96),
        scale_factor=(1.5, 64 / 43),
    )
    return dict(
        inputs=[torch.randint(0, 256, (3, 64, 96)) for _ in range(number)],
        data_samples=[DetDataSample(metainfo=meta) for _ in range(number)],
    )


@pytest.mark.parametrize('score_thr', [0.0, 1.0])
def test_run_with_metric_pictures_and_dump(tmp_path, score_thr):
    write_data(tmp_path / 'data')
    text = CONFIG.replace('{data}', (tmp_path / 'data').as_posix())
    scores, dumps, pictures = {}, {}, {}
    for kind in ('FCNMaskHead', 'cupre_mm.RLEMaskHead'):
        path = tmp_path / f'{kind.rpartition(".")[2]}.py'
        path.write_text(text.replace('{name}', f'{tmp_path.name} {kind}'))
        config = Config.fromfile(path)
        config.model.roi_head.mask_head.type = kind
        config.model.test_cfg.rcnn.score_thr = score_thr
        config.visualizer.type = 'cupre_mm.CellVisualizer'
        config.work_dir = str(tmp_path / kind)
        config.default_hooks.visualization.update(
            draw=True, score_thr=0, test_out_dir='pictures'
        )
        config.randomness = dict(seed=0)
        runner = Runner.from_cfg(config)
        dump = tmp_path / f'{kind}.pkl'
        runner.test_evaluator.metrics.append(DumpPredictions(str(dump)))
        np.random.seed(0)
        scores[kind] = runner.test()
        dumps[kind] = pickle.loads(dump.read_bytes())
        pictures[kind] = [
            file.read_bytes()
            for file in sorted((tmp_path / kind).glob('*/pictures/*'))
        ]
    stock, ours = scores
    assert scores[ours] == scores[stock]
    found = 0 if score_thr else 3 * 5
    assert scores[ours]['coco/num_detections'] == found
    for mine, theirs in zip(dumps[ours], dumps[stock]):
        assert mine['img_id'] == theirs['img_id']
        assert set(mine['pred_instances']) == set(theirs['pred_instances'])
        masks = theirs['pred_instances']['masks']
        assert mine['pred_instances']['masks'] == masks
        assert len(masks) == found / 3
    assert len(pictures[stock]) == 3
    assert pictures[ours] == pictures[stock]
