import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.models import SimSiamBranch
from tests.tiny_amt2 import (
    build_model,
    model_config,
    random_views,
    without_queue,
)

WIDTH = 64


def simsiam_model():
    config = model_config()
    config['moco'] = without_queue()
    return build_model(config)


def reference_simsiam():
    config, parts = model_config(), without_queue()
    return build_model(
        dict(
            type='mmpretrain.SimSiam',
            data_preprocessor=config['data_preprocessor']['moco'],
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                stem_channels=8,
                base_channels=8,
            ),
            neck=parts.neck.projector,
            head=parts.head,
        ),
        seed=1,
    )


def test_follows_mmpretrain_simsiam_over_several_steps():
    theirs, mine = reference_simsiam(), simsiam_model()
    renamed = {
        name.replace('neck.', 'moco.neck.projector.', 1).replace(
            'head.', 'moco.head.', 1
        ): value
        for name, value in theirs.state_dict().items()
    }
    load_state_dict(mine, renamed, strict=False)
    curves: dict[str, list[float]] = {}
    for name, model in (('theirs', theirs), ('mine', mine)):
        model.train()
        wrapper = OptimWrapper(
            torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        )
        for step in range(6):
            data = dict(inputs=random_views(step, 8), data_samples=[])
            if name == 'mine':
                data['task'] = 'moco'
            loss = model.train_step(data, wrapper)['loss'].item()
            curves.setdefault(name, []).append(loss)
    np.testing.assert_allclose(curves['mine'], curves['theirs'], rtol=1e-4)
    # The steps must have moved something for the curves to tell anything.
    assert np.ptp(curves['mine']) > 0.01


@pytest.fixture
def branch() -> SimSiamBranch:
    return simsiam_model().moco


class Stages(torch.nn.Module):
    """Takes views for features."""

    def forward(self, features: Tensor) -> tuple[Tensor]:
        return (features,)


def features(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randn(2, 6, WIDTH, 2, 2, generator=generator))


def test_the_predicted_view_gets_no_gradient(branch):
    one, other = (view.requires_grad_() for view in features(0))
    # Without one direction of the loss a view is only predicted.
    z1, z2 = branch.neck((one,)), branch.neck((other,))
    branch.head.loss(z1, z2).backward()
    assert one.grad is not None
    assert other.grad is None


def test_the_loss_is_symmetric(branch):
    branch.eval()
    one, other = features(0)
    first = branch.loss([one, other], Stages())
    second = branch.loss([other, one], Stages())
    assert first['loss_similarity'].item() == pytest.approx(
        second['loss_similarity'].item(), rel=1e-5
    )


def test_figures_are_those_of_the_projections(branch):
    one, other = features(1)
    z1, z2 = (
        F.normalize(branch.neck((view,)), dim=1) for view in (one, other)
    )
    found = branch.loss([one, other], Stages())
    assert set(found) == {'loss_similarity', 'pos_sim', 'feat_std'}
    assert found['pos_sim'].item() == pytest.approx(
        (z1 * z2).sum(dim=1).mean().item(), rel=1e-4
    )
    spread = z1.std(dim=0, correction=0).mean().item()
    assert found['feat_std'].item() == pytest.approx(spread, rel=1e-4)


def test_equal_images_have_no_spread(branch):
    branch.eval()
    same = torch.ones(6, WIDTH, 2, 2)
    found = branch.loss([same, same], Stages())
    assert found['feat_std'].item() == pytest.approx(0, abs=1e-6)
    assert found['pos_sim'].item() == pytest.approx(1, abs=1e-5)


def test_cosines_stay_float32_under_bfloat16_autocast(branch):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = branch.loss(features(0), Stages())
    assert {value.dtype for value in found.values()} == {torch.float32}
