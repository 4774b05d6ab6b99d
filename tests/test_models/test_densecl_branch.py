from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import load_state_dict

from cupre_mm.models.densecl_branch import _most_alike
from cupre_mm.utils.errors import BadConfigError
from tests.tiny_amt2 import (
    KEY_DIM,
    QUEUE_LENGTH,
    build_model,
    model_config,
    random_views,
)

NECK = dict(
    type='mmpretrain.DenseCLNeck',
    in_channels=64,
    hid_channels=32,
    out_channels=KEY_DIM,
)
VIEW = 96  # px: nine places in the last stage


def densecl_model(seed: int = 0, **changes):
    config = model_config()
    # A ConfigDict would merge the necks.
    config['moco'] = {
        **config['moco'].to_dict(),
        'type': 'cupre_mm.DenseCLBranch',
        'neck': deepcopy(NECK),
        **changes,
    }
    return build_model(config, seed)


def reference_densecl():
    config = model_config()
    moco = config['moco']
    return build_model(
        dict(
            type='mmpretrain.DenseCL',
            data_preprocessor=config['data_preprocessor']['moco'],
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                stem_channels=8,
                base_channels=8,
            ),
            neck=deepcopy(NECK),
            head=dict(
                type='mmpretrain.ContrastiveHead',
                loss=dict(type='mmpretrain.CrossEntropyLoss'),
                temperature=moco['loss']['temperature'],
            ),
            queue_len=QUEUE_LENGTH,
            feat_dim=KEY_DIM,
            momentum=moco['momentum'],
        ),
        seed=1,
    )


def views(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 4, 3, VIEW, VIEW)
    return list(torch.randint(0, 256, shape, generator=generator).float())


def renamed(state: dict) -> dict:
    """Weights of mmpretrain's DenseCL by our names."""
    new = {}
    for name, value in state.items():
        if name.startswith(('neck.', 'encoder_k.')):
            name = f'moco.{name}'
        elif name.startswith('queue2'):
            name = f'moco.dense_queue.{name.replace("queue2", "queue")}'
        elif name.startswith('queue'):
            name = f'moco.queue.{name}'
        new[name] = value.clone()
    return new


def test_follows_mmpretrain_densecl_over_several_steps():
    theirs, mine = reference_densecl(), densecl_model()
    load_state_dict(mine, renamed(theirs.state_dict()), strict=False)
    curves: dict[str, list[tuple]] = {}
    for name, model in (('theirs', theirs), ('mine', mine)):
        model.train()
        wrapper = OptimWrapper(
            torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        )
        single = 'loss_single' if name == 'theirs' else 'loss_infonce'
        for step in range(6):
            data = dict(inputs=views(step), data_samples=[])
            if name == 'mine':
                data['task'] = 'moco'
            log = model.train_step(data, wrapper)
            curves.setdefault(name, []).append(
                (log[single].item(), log['loss_dense'].item())
            )
    np.testing.assert_allclose(curves['mine'], curves['theirs'], rtol=1e-4)
    # The steps must have moved something for the curves to tell anything.
    assert np.ptp(curves['mine'], axis=0).min() > 0.01
    for ours, name in (('queue', 'queue'), ('dense_queue', 'queue2')):
        keys = getattr(mine.moco, ours).negatives()
        torch.testing.assert_close(
            keys, getattr(theirs, name), rtol=0, atol=1e-4
        )


def test_each_place_is_matched_with_the_most_alike():
    q_map = torch.eye(3)[None]  # feature i at place i
    k_map = torch.eye(3)[None][:, :, [2, 0, 1]]  # 0 at place 1, and so on
    k_grid = torch.tensor([[[10.0, 11.0, 12.0]]])
    assert _most_alike(q_map, k_map, k_grid).tolist() == [[[11, 12, 10]]]


@pytest.mark.parametrize('weight', [0.0, 1.0, 0.25])
def test_weight_divides_the_loss(weight):
    shares = []
    for dense_weight in (weight, 0.5):
        model = densecl_model(dense_weight=dense_weight)
        losses = model.moco.loss(views(0), model.backbone)
        shares.append((losses['loss_infonce'], losses['loss_dense']))
    (single, dense), (half_single, half_dense) = shares
    assert single.item() == pytest.approx(
        2 * (1 - weight) * half_single.item(), rel=1e-4
    )
    assert dense.item() == pytest.approx(
        2 * weight * half_dense.item(), rel=1e-4
    )


def test_a_pooled_grid_is_matched_on_pooled_features():
    model = densecl_model(neck=dict(NECK, num_grid=2))
    losses = model.moco.loss(views(0), model.backbone)
    assert losses['loss_dense'].isfinite()
    q, grid, mean, places = model.moco._encode(
        model.backbone, model.moco.neck, views(0)[0]
    )
    assert grid.shape == (4, KEY_DIM, 4)
    assert places.shape == (4, 64, 4)
    assert q.shape == mean.shape == (4, KEY_DIM)


def test_key_encoder_gets_no_gradient():
    model = densecl_model()
    losses = model.moco.loss(views(0), model.backbone)
    (losses['loss_infonce'] + losses['loss_dense']).backward()
    assert all(p.grad is None for p in model.moco.encoder_k.parameters())
    trained = [*model.backbone.parameters(), *model.moco.neck.parameters()]
    assert all(p.grad is not None for p in trained)


def test_contrast_stays_float32_under_bfloat16_autocast():
    model = densecl_model()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.moco.loss(random_views(0), model.backbone)
    assert {value.dtype for value in losses.values()} == {torch.float32}


@pytest.mark.parametrize('weight', [-0.1, 1.5])
def test_weight_must_be_a_share(weight):
    with pytest.raises(BadConfigError, match='dense_weight'):
        densecl_model(dense_weight=weight)


def test_unknown_stage_is_told():
    model = densecl_model(stage=9)
    with pytest.raises(BadConfigError, match='stage=9'):
        model.moco.loss(views(0), model.backbone)
