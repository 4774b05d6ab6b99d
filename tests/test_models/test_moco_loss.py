import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.models import MoCoLoss


def unit(*shape: int, dim: int = 1, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator), dim=dim)


def reference(q: np.ndarray, k: np.ndarray, queue: np.ndarray, t: float):
    """Equation 1 of the MoCo paper, a query at a time."""
    losses = []
    for query, key in zip(q.astype(float), k.astype(float)):
        scores = np.exp([query @ key / t, *(query @ queue / t)])
        losses.append(-np.log(scores[0] / scores.sum()))
    return np.mean(losses)


@pytest.mark.parametrize('temperature', [0.07, 0.2, 1.0])
def test_loss_is_that_of_the_paper(temperature):
    q, k, queue = unit(6, 8), unit(6, 8, seed=1), unit(8, 20, dim=0, seed=2)
    got = MoCoLoss(temperature)(q, k, queue)['loss_infonce']
    expected = reference(q.numpy(), k.numpy(), queue.numpy(), temperature)
    assert got.item() == pytest.approx(expected, rel=1e-5)


def test_loss_weight_is_a_factor():
    data = unit(6, 8), unit(6, 8, seed=1), unit(8, 20, dim=0, seed=2)
    one = MoCoLoss()(*data)['loss_infonce']
    half = MoCoLoss(loss_weight=0.5)(*data)['loss_infonce']
    assert half.item() == pytest.approx(one.item() / 2)


def test_accuracy_counts_the_keys_nearer_than_the_positive():
    # In the plane, by angle: the positive is at 40 degrees; 0, 3 and 6 of
    # the negatives are nearer to the three queries.
    def at(*degrees: float) -> Tensor:
        angle = torch.deg2rad(torch.tensor(degrees))
        return torch.stack((angle.cos(), angle.sin()), dim=1)

    negatives = at(10, 15, 20, 100, 110, 120, 125, 130, 135).T
    queries = at(40, 0, 118)
    keys = at(40, 40, 40)
    result = MoCoLoss()(queries, keys, negatives)
    assert result['acc_top1'].item() == pytest.approx(100 / 3)
    assert result['acc_top5'].item() == pytest.approx(200 / 3)
    cosines = np.cos(np.radians([0, 40, 78]))
    assert result['pos_sim'].item() == pytest.approx(cosines.mean())
    expected = (queries @ negatives).mean().item()
    assert result['neg_sim'].item() == pytest.approx(expected)


def test_collapsed_vectors_do_not_count_as_recognised():
    same = F.normalize(torch.ones(3, 4), dim=1)
    result = MoCoLoss()(same, same, same.T.repeat(1, 3))
    assert result['acc_top1'].item() == 0
    assert result['acc_top5'].item() == 0
    assert result['loss_infonce'].item() == pytest.approx(np.log(10))


def test_gradient_reaches_the_queries_only_through_the_loss():
    q = unit(4, 8).requires_grad_()
    result = MoCoLoss()(q, unit(4, 8, seed=1), unit(8, 9, dim=0, seed=2))
    requires = {name for name, v in result.items() if v.requires_grad}
    assert requires == {'loss_infonce'}
    result['loss_infonce'].backward()
    assert q.grad.abs().sum() > 0


def test_logits_are_float32_under_autocast():
    q, k, queue = unit(4, 8), unit(4, 8, seed=1), unit(8, 9, dim=0, seed=2)
    plain = MoCoLoss(0.07)(q, k, queue)['loss_infonce']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        mixed = MoCoLoss(0.07)(q, k, queue)['loss_infonce']
    assert mixed.dtype == torch.float32
    assert mixed.equal(plain)


@pytest.mark.parametrize('temperature', [0, -0.2])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match=f'temperature={temperature}'):
        MoCoLoss(temperature)
