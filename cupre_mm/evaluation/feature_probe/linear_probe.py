"""Logistic regression on frozen features."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

_STEPS = 100
_DECAY = 1e-4


def fit(features: Tensor, classes: Tensor, number: int) -> Tensor:
    """Fit a logistic regression whose classes weigh the same.

    Args:
        features (Tensor): Shape (M, C), of mean 0 and deviation 1.
        classes (Tensor): Shape (M, ), from 0 to below ``number``.
        number (int): Number of classes.

    Returns:
        Tensor: Weights of shape (C + 1, number), the last row the offsets.
    """
    counts = torch.bincount(classes, minlength=number).clamp(min=1)
    share = len(classes) / (number * counts.float())
    rows = _with_one(features)
    weights = rows.new_zeros(rows.shape[1], number, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weights], max_iter=_STEPS, line_search_fn='strong_wolfe'
    )

    def loss() -> Tensor:
        solver.zero_grad()
        value = cross_entropy(rows @ weights, classes, share)
        value = value + _DECAY * weights[:-1].square().sum()
        value.backward()
        return value

    solver.step(loss)
    return weights.detach()


def recalls(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], number: int
) -> list[float | None]:
    """Share of the test rows of each class that a probe finds.

    Args:
        train (tuple[Tensor, Tensor]): Features of shape (M, C) and classes
            of shape (M, ) to fit by.
        test (tuple[Tensor, Tensor]): The same to measure by.
        number (int): Number of classes.

    Returns:
        list[float | None]: A share a class; None for one without rows.
    """
    features, classes = train
    mean, deviation = features.mean(0), features.std(0).clamp(min=1e-5)
    weights = fit((features - mean) / deviation, classes, number)
    rows, truth = test
    guess = (_with_one((rows - mean) / deviation) @ weights).argmax(1)
    return [
        float((guess[truth == k] == k).float().mean())
        if bool((truth == k).any())
        else None
        for k in range(number)
    ]


def _with_one(rows: Tensor) -> Tensor:
    return torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
