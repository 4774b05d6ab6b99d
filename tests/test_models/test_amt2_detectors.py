from pathlib import Path

import pytest
import torch
from mmdet.models.detectors import FasterRCNN
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.runner import Runner, load_checkpoint
from torch import nn

from cupre_mm.models import AMT2Mixin
from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError
from tests.tiny_amt2 import (
    QUEUE_LENGTH,
    SGD,
    TWO_SGD,
    build_model,
    changed,
    detector_config,
    model_config,
    random_views,
    reference_moco,
    run_config,
    weights_of,
)

HEADS = ('neck.', 'rpn_head.', 'roi_head.')


@pytest.fixture
def model() -> nn.Module:
    return build_model()


def wrapper_of(built: object, task: str) -> OptimWrapper:
    return built if type(built) is OptimWrapper else built[task]


@pytest.mark.parametrize('config', [SGD, TWO_SGD], ids=['one', 'per_task'])
def test_steps_leave_the_other_tasks_part_bit_identical(
    model, demo_batches, config
):
    built = build_optim_wrapper(model, config)
    model.train()

    def step(task: str, index: int) -> dict[str, torch.Tensor]:
        data = {**demo_batches[task][index], 'task': task}
        return model.train_step(data, wrapper_of(built, task))

    # Both tasks first: a buffer of momentum or a decayed weight could move
    # what has no gradient only once it is there.
    step('moco', 0)
    step('det', 0)
    moving = {
        id(parameter)
        for task in ('moco', 'det')
        for parameter in wrapper_of(built, task).optimizer.state
    }
    for part in ('moco.neck', 'neck', 'roi_head'):
        submodule = model.get_submodule(part)
        assert all(id(one) in moving for one in submodule.parameters())

    before = weights_of(model)
    step('det', 1)
    moved = changed(before, weights_of(model))
    assert not [name for name in moved if name.startswith('moco.')]
    assert all(
        any(name.startswith(part) for name in moved)
        for part in ('backbone.', *HEADS)
    )

    before = weights_of(model)
    step('moco', 1)
    moved = changed(before, weights_of(model))
    assert not [name for name in moved if name.startswith(HEADS)]
    for part in ('backbone.', 'moco.neck.', 'moco.encoder_k.', 'moco.queue.'):
        assert any(name.startswith(part) for name in moved), part


def test_key_encoder_moves_by_its_average_only(model, demo_batches):
    built = build_optim_wrapper(model, SGD)
    held = {
        id(one)
        for group in built.optimizer.param_groups
        for one in group['params']
        if one.requires_grad
    }
    key = list(model.moco.encoder_k.parameters())
    assert key
    assert not any(id(one) in held for one in key)
    model.train()
    model.train_step({**demo_batches['moco'][0], 'task': 'moco'}, built)
    assert all(one.grad is None for one in key)


def test_joint_step_sums_the_losses_of_both(model, demo_batches):
    model.train()
    data = {task: drawn[0] for task, drawn in demo_batches.items()}
    losses = model(
        **model.data_preprocessor({**data, 'task': 'moco+det'}, True),
        mode='loss',
    )
    assert {name.split('/')[0] for name in losses} == {'moco', 'det'}
    total, log = model.parse_losses(losses)
    parts = [
        log[name].item()
        for name in log
        if name != 'loss' and 'loss' in name.split('/')[1]
    ]
    assert total.item() == pytest.approx(sum(parts), rel=1e-5)
    total.backward()
    for part in ('backbone', 'moco.neck', 'neck', 'roi_head'):
        gradients = [p.grad for p in model.get_submodule(part).parameters()]
        assert any(one is not None and one.any() for one in gradients), part


def test_checkpoint_without_moco_is_a_stock_detectors(model, demo_batches):
    state = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith('moco.')
    }
    stock = build_model(detector_config(), seed=5)
    stock.load_state_dict(state, strict=True)
    data = demo_batches['det'][0]
    for sample in data['data_samples']:
        # mmdet cannot undo the flip of a training image.
        sample.set_metainfo(dict(flip=False))
    for one in (model, stock):
        one.eval()
    with torch.no_grad():
        mine, theirs = model.test_step(data), stock.test_step(data)
    for ours, expected in zip(mine, theirs):
        scores = ours.pred_instances.scores
        assert len(scores) > 0
        assert scores.equal(expected.pred_instances.scores)
        masks = ours.pred_instances.masks
        assert masks.shape[0] == len(scores)
        assert (masks == expected.pred_instances.masks).all()


@pytest.fixture
def moco_checkpoint(tmp_path: Path) -> tuple[Path, dict]:
    """A checkpoint of mmpretrain's MoCo after a few steps."""
    moco = reference_moco()
    wrapper = build_optim_wrapper(moco, SGD)
    moco.train()
    for step in range(2):
        data = dict(inputs=random_views(step), data_samples=[])
        moco.train_step(data, wrapper)
    path = tmp_path / 'moco.pth'
    torch.save(dict(meta={}, state_dict=moco.state_dict()), path)
    return path, moco.state_dict()


def check_initialised(model: nn.Module, state: dict) -> None:
    """Every tensor of the MoCo checkpoint is somewhere in the model."""
    places = {
        'backbone.': 'backbone.',
        'neck.': 'moco.neck.projector.',
        'encoder_k.module.0.': 'moco.encoder_k.module.0.',
        'encoder_k.module.1.': 'moco.encoder_k.module.1.projector.',
        'encoder_k.steps': 'moco.encoder_k.steps',
        'queue': 'moco.queue.queue',
    }
    own = model.state_dict()
    for name, value in state.items():
        start = next(one for one in places if name.startswith(one))
        assert own[name.replace(start, places[start], 1)].equal(value), name
    assert model.moco.queue.fill.item() == 1
    assert not own['moco.encoder_k.module.0.conv1.weight'].equal(
        own['backbone.conv1.weight']
    )


def test_moco_checkpoint_initialises_backbone_and_branch(
    model, moco_checkpoint
):
    path, state = moco_checkpoint
    heads = weights_of(model, *HEADS)
    load_checkpoint(model, str(path))
    check_initialised(model, state)
    assert not changed(heads, weights_of(model, *HEADS))


def test_moco_checkpoint_initialises_through_load_from(
    demo_data, tmp_path, moco_checkpoint
):
    path, state = moco_checkpoint
    runner = Runner.from_cfg(
        run_config(demo_data, tmp_path, {'load_from': str(path)})
    )
    runner.load_or_resume()
    check_initialised(runner.model, state)


def test_moco_checkpoint_with_another_queue_leaves_the_queue_empty(
    moco_checkpoint,
):
    path, state = moco_checkpoint
    config = model_config()
    config['moco']['queue']['length'] = QUEUE_LENGTH + 8
    model = build_model(config)
    load_checkpoint(model, str(path))
    assert model.backbone.conv1.weight.equal(state['backbone.conv1.weight'])
    assert model.moco.queue.fill.item() == 0
    model.train()
    losses = model.moco.loss(random_views(0), model.backbone)
    assert losses['queue_fill'].item() == pytest.approx(4 / 20)


def test_own_checkpoint_comes_back_whole(model, tmp_path):
    model.moco.loss(random_views(0), model.backbone)
    path = tmp_path / 'amt2.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    other = build_model(seed=9)
    load_checkpoint(other, str(path), strict=True)
    assert not changed(weights_of(model), weights_of(other))


def test_mask_rcnn_trains_both_tasks(demo_batches):
    parts = (
        'bbox_roi_extractor',
        'bbox_head',
        'mask_roi_extractor',
        'mask_head',
    )
    config = one_stage_config('cupre_mm.AMT2MaskRCNN', parts)
    check_both_tasks(build_model(config), demo_batches)


def test_another_detector_is_a_few_lines(demo_batches):
    @MODELS.register_module(force=True)
    class AMT2FasterRCNN(AMT2Mixin, FasterRCNN):
        pass

    parts = ('bbox_roi_extractor', 'bbox_head')
    config = one_stage_config('cupre_mm.AMT2FasterRCNN', parts)
    check_both_tasks(build_model(config), demo_batches)


def one_stage_config(kind: str, parts: tuple[str, ...]) -> dict:
    """The tiny model with the first stage of the cascade alone."""
    config = model_config().to_dict()
    head = {part: config['roi_head'][part] for part in parts}
    head['bbox_head'] = head['bbox_head'][0]
    config['train_cfg']['rcnn'] = config['train_cfg']['rcnn'][0]
    # Back to mmengine's dict: detectors read their settings as attributes.
    return ConfigDict(
        {
            **config,
            'type': kind,
            'roi_head': {'type': 'StandardRoIHead', **head},
        }
    )


def check_both_tasks(model: nn.Module, batches: dict) -> None:
    model.train()
    wrapper = build_optim_wrapper(model, SGD)
    for task, expected in (('moco', 'loss_infonce'), ('det', 'loss_cls')):
        data = {**batches[task][0], 'task': task}
        assert model.train_step(data, wrapper)[expected].item() > 0


@pytest.mark.parametrize('parts', ['backbone', (), ('bone',), ('num', 3)])
def test_unknown_parts_to_contrast_on_are_told(parts):
    config = model_config()
    config['contrast_on'] = parts
    with pytest.raises(BadConfigError, match='contrast_on'):
        build_model(config)
