from collections import deque
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor, nn
from torch.nn import functional as F

from cupre_mm.models import MoCoBranch, moco_branch
from tests.tiny_amt2 import (
    KEY_DIM,
    QUEUE_LENGTH,
    build_model,
    random_views,
    reference_moco,
)

MOMENTUM = 0.1


class ToyBackbone(nn.Module):
    """Two stages, the first a bystander of the contrastive task."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        one = self.norm(self.first(images)).relu()
        return one, self.second(one).relu()


def build_branch(
    backbone: nn.Module, length: int = 10, momentum: float = MOMENTUM
) -> MoCoBranch:
    return MoCoBranch(
        backbone,
        neck=dict(
            type='cupre_mm.MoCoNeck',
            projector=dict(
                type='mmpretrain.MoCoV2Neck',
                in_channels=6,
                hid_channels=8,
                out_channels=5,
            ),
        ),
        loss=dict(type='cupre_mm.MoCoLoss', temperature=0.2),
        queue=dict(type='cupre_mm.KeyQueue', length=length, dim=5),
        momentum=momentum,
    )


@pytest.fixture
def backbone() -> ToyBackbone:
    torch.manual_seed(0)
    return ToyBackbone()


@pytest.fixture
def branch(backbone: ToyBackbone) -> MoCoBranch:
    return build_branch(backbone)


def views(seed: int, batch: int = 4) -> list[Tensor]:
    return [view / 255 for view in random_views(seed, batch)]


def reference_step(
    query: nn.Module, key: nn.Module, queue: deque, pair: list, first: bool
) -> Tensor:
    """Algorithm 1 of the MoCo paper, with a deque for the queue."""
    q = F.normalize(query(pair[0]), dim=1)
    with torch.no_grad():
        share = 1 if first else MOMENTUM
        for old, new in zip(key.parameters(), query.parameters()):
            old.copy_((1 - share) * old + share * new)
        k = F.normalize(key(pair[1]), dim=1)
    logits = q @ torch.cat((k, torch.stack(tuple(queue)))).T / 0.2
    hidden = ~torch.eye(len(q), dtype=torch.bool)
    logits[:, : len(q)][hidden] = -torch.inf  # keys of the other images
    queue.extend(k)
    return F.cross_entropy(logits, torch.arange(len(q)))


@pytest.mark.parametrize('batch', [4, 7, 16])
def test_follows_an_independent_reference_over_several_steps(
    backbone, branch, batch
):
    query = deepcopy(nn.Sequential(backbone, branch.neck))
    key = build_branch(ToyBackbone()).encoder_k.module
    queue = deque(branch.queue.negatives().T, maxlen=branch.queue.length)
    mine = torch.optim.SGD(
        [*backbone.parameters(), *branch.neck.parameters()], lr=0.1
    )
    theirs = torch.optim.SGD(query.parameters(), lr=0.1)
    for step in range(5):
        loss = branch.loss(views(step, batch), backbone)['loss_infonce']
        expected = reference_step(
            query, key, queue, views(step, batch), first=step == 0
        )
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for optimizer, value in ((mine, loss), (theirs, expected)):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    oldest_first = branch.queue.negatives().T.roll(
        -int(branch.queue.queue_ptr), dims=0
    )
    torch.testing.assert_close(
        oldest_first, torch.stack(tuple(queue)), rtol=0, atol=1e-5
    )
    for ours, one in zip(
        branch.encoder_k.module.parameters(), key.parameters()
    ):
        torch.testing.assert_close(ours, one, rtol=1e-4, atol=1e-6)


def test_follows_mmpretrain_moco_over_several_steps():
    theirs, mine = reference_moco(), build_model()
    load_state_dict(mine, theirs.state_dict(), strict=False)
    curves: dict[str, list[float]] = {'theirs': [], 'mine': []}
    for name, model in (('theirs', theirs), ('mine', mine)):
        model.train()
        wrapper = OptimWrapper(
            torch.optim.SGD(
                model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3
            )
        )
        for step in range(7):
            data = dict(inputs=random_views(step), data_samples=[])
            if name == 'mine':
                data['task'] = 'moco'
            log = model.train_step(data, wrapper)
            curves[name].append(log['loss'].item())
    np.testing.assert_allclose(curves['mine'], curves['theirs'], rtol=1e-5)
    # The steps must have moved something for the curves to tell anything.
    assert np.ptp(curves['mine']) > 0.1
    queue = mine.moco.queue
    assert int(queue.queue_ptr) == int(theirs.queue_ptr) == 28 % QUEUE_LENGTH
    torch.testing.assert_close(
        queue.negatives(), theirs.queue, rtol=0, atol=1e-5
    )
    assert queue.negatives().shape == (KEY_DIM, QUEUE_LENGTH)
    state = theirs.state_dict()
    for name, value in mine.state_dict().items():
        if name.startswith('moco.encoder_k.module.0.'):
            torch.testing.assert_close(
                value, state[name.removeprefix('moco.')], rtol=1e-4, atol=1e-6
            )


def test_key_encoder_gets_no_gradient(backbone, branch):
    branch.loss(views(0), backbone)['loss_infonce'].backward()
    for name, parameter in branch.encoder_k.named_parameters():
        assert not parameter.requires_grad, name
        assert parameter.grad is None, name
    trained = [*backbone.parameters(), *branch.neck.parameters()]
    assert all(parameter.grad is not None for parameter in trained)


def test_key_encoder_copies_first_and_then_averages(backbone, branch):
    def drift() -> None:
        with torch.no_grad():
            for parameter in query.parameters():
                parameter.add_(torch.randn_like(parameter))

    query = nn.Sequential(backbone, branch.neck)
    key = branch.encoder_k.module
    drift()
    branch.loss(views(0), backbone)
    for ours, source in zip(key.parameters(), query.parameters()):
        assert ours.equal(source)
    for step in (1, 2):
        before = [parameter.clone() for parameter in key.parameters()]
        drift()
        branch.loss(views(step), backbone)
        for ours, old, new in zip(
            key.parameters(), before, query.parameters()
        ):
            expected = (1 - MOMENTUM) * old + MOMENTUM * new
            torch.testing.assert_close(ours, expected)
            assert not ours.equal(new)


def test_weights_loaded_after_construction_reach_the_key_encoder(
    backbone, branch
):
    backbone.load_state_dict(ToyBackbone().state_dict())
    branch.loss(views(0), backbone)
    copy = branch.encoder_k.module[0]
    assert copy.second.weight.equal(backbone.second.weight)
    assert copy.second.weight.data_ptr() != backbone.second.weight.data_ptr()


def test_key_encoder_keeps_the_statistics_of_the_query_encoder(
    backbone, branch
):
    for step in range(3):
        branch.loss(views(step), backbone)
        statistics = backbone.norm.running_mean.clone()
    branch.eval()
    backbone.eval()
    branch.loss(views(3), backbone)
    copy = branch.encoder_k.module[0].norm.running_mean
    assert copy.equal(statistics)


def test_backbone_is_not_registered_a_second_time(branch):
    names = {name.split('.')[0] for name, _ in branch.named_parameters()}
    assert names == {'neck', 'encoder_k'}


def test_losses_carry_the_diagnostics(backbone, branch):
    losses = branch.loss(views(0), backbone)
    assert set(losses) == {
        'loss_infonce',
        'acc_top1',
        'acc_top5',
        'pos_sim',
        'neg_sim',
        'feat_std',
        'queue_fill',
    }
    assert losses['queue_fill'].item() == pytest.approx(0.4)


def test_two_equal_views_give_a_positive_similarity_of_one(backbone, branch):
    # After the copying first update both encoders are the same function.
    same = views(0)[0]
    losses = branch.loss([same, same], backbone)
    assert losses['pos_sim'].item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize('momentum', [0, 1, -0.1])
def test_momentum_must_be_a_share(backbone, momentum):
    with pytest.raises(ValueError, match=r"paper's 0\.999"):
        build_branch(backbone, momentum=momentum)


def test_contrast_stays_float32_under_bfloat16_autocast(monkeypatch, backbone):
    branch = build_branch(backbone)
    seen: dict[str, set[torch.dtype]] = {}

    def note(name: str, *tensors: Tensor) -> None:
        seen.setdefault(name, set()).update(one.dtype for one in tensors)

    normalize, cross_entropy = F.normalize, F.cross_entropy
    enqueue, shuffled = branch.queue.enqueue, moco_branch.all_gather
    encode = branch.neck.forward

    def noted_neck(features: tuple[Tensor, ...]) -> Tensor:
        projected = encode(features)
        note('projected', projected)
        return projected

    def noted_normalize(value: Tensor, **kwargs) -> Tensor:
        result = normalize(value, **kwargs)
        note('normalisation', value, result)
        return result

    def noted_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
        loss = cross_entropy(logits, target)
        note('logits', logits, loss)
        return loss

    def noted_gather(keys: Tensor) -> list[Tensor]:
        gathered = shuffled(keys)
        note('gathered', *gathered)
        return gathered

    def noted_enqueue(keys: Tensor) -> None:
        enqueue(keys)
        note('queue', keys, branch.queue.queue)

    monkeypatch.setattr(branch.neck, 'forward', noted_neck)
    monkeypatch.setattr(F, 'normalize', noted_normalize)
    monkeypatch.setattr(F, 'cross_entropy', noted_cross_entropy)
    monkeypatch.setattr(moco_branch, 'all_gather', noted_gather)
    monkeypatch.setattr(branch.queue, 'enqueue', noted_enqueue)
    for _ in range(2):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            losses = branch.loss(random_views(0), backbone)
        sum(v for k, v in losses.items() if 'loss' in k).backward()
    # The encoders did compute in bfloat16.
    assert seen.pop('projected') == {torch.bfloat16}
    assert set(seen) == {'normalisation', 'logits', 'gathered', 'queue'}
    assert set.union(*seen.values()) == {torch.float32}
    assert all(value.dtype == torch.float32 for value in losses.values())


def test_key_encoder_averages_in_float32_under_autocast(backbone):
    averages = []
    for enabled in (False, True):
        torch.manual_seed(0)
        query = deepcopy(backbone)
        branch = build_branch(query)
        for step in range(2):
            with (
                torch.no_grad(),
                torch.autocast('cpu', dtype=torch.bfloat16, enabled=enabled),
            ):
                # Below what a bfloat16 of these weights could tell.
                for parameter in query.parameters():
                    parameter.mul_(1 + 1e-4)
                branch.loss(random_views(step), query)
        averages.append(dict(branch.encoder_k.named_parameters()))
    plain, mixed = averages
    for name, value in plain.items():
        assert mixed[name].dtype == torch.float32
        assert mixed[name].equal(value), name


def test_diagnostics_leave_loss_and_random_numbers_alone(backbone):
    branch = build_branch(backbone)
    q = F.normalize(torch.randn(6, 5), dim=1).requires_grad_()
    k = F.normalize(torch.randn(6, 5), dim=1)
    negatives = branch.queue.negatives()
    before = torch.get_rng_state()
    losses = branch.loss_module(q, k, negatives)
    assert torch.get_rng_state().equal(before)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ negatives], 1) / 0.2
    expected = F.cross_entropy(logits, torch.zeros(6, dtype=torch.long))
    assert losses['loss_infonce'].equal(expected)
    figures = {k: v for k, v in losses.items() if k != 'loss_infonce'}
    assert not any(value.requires_grad for value in figures.values())
    spread = np.std(q.detach().numpy(), axis=0).mean()
    assert figures['feat_std'].item() == pytest.approx(spread, rel=1e-5)
