"""InfoNCE with the figures that tell whether contrast works."""

import math

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.registry import MODELS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError


@MODELS.register_module()
class MoCoLoss(BaseModule):
    """InfoNCE of queries, their positive keys and a queue of negatives.

    Equation 1 of `MoCo <https://arxiv.org/abs/1911.05722>`_. Logits are
    computed in float32 also under mixed precision: divided by a temperature
    of 0.2 or less, half precision loses the differences that matter.

    Args:
        temperature (float): Temperature tau. Defaults to 0.2, as in MoCo v2
            (v1 has 0.07).
        loss_weight (float): Factor of the loss. Defaults to 1.0.

    Raises:
        BadConfigError: If the temperature is not positive.
    """

    def __init__(
        self, temperature: float = 0.2, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        with config_values(
            'MoCoLoss', temperature=temperature, loss_weight=loss_weight
        ):
            if not 0 < temperature < math.inf:
                raise BadConfigError(
                    f'MoCoLoss.temperature={temperature} must be above 0; '
                    'MoCo v2 has 0.2.'
                )
            if not math.isfinite(float(loss_weight)):
                raise ValueError('loss_weight is not finite')
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(
        self, queries: Tensor, keys: Tensor, negatives: Tensor
    ) -> dict[str, Tensor]:
        """Compute the loss and its diagnostics.

        Args:
            queries (Tensor): Unit vectors q of shape (N, C).
            keys (Tensor): Unit vectors k+ of shape (N, C), without gradient.
            negatives (Tensor): Unit vectors of shape (C, K).

        Returns:
            dict[str, Tensor]: 'loss_infonce'; 'acc_top1' and 'acc_top5', the
            share in percent of queries whose positive is among the nearest
            1 or 5 of K + 1 keys; 'pos_sim' and 'neg_sim', mean cosine
            similarities; 'feat_std', the standard deviation of each of the
            queries' C values over the batch, averaged: 0 after a collapse,
            about 1 / sqrt(C) for vectors that point everywhere.
        """
        with torch.autocast(queries.device.type, enabled=False):
            queries, keys = queries.float(), keys.float()
            pos = (queries * keys).sum(dim=1, keepdim=True)  # Nx1
            neg = queries @ negatives.float()  # NxK
            logits = torch.cat([pos, neg], dim=1) / self.temperature
            target = logits.new_zeros(len(logits), dtype=torch.long)
            loss = self.loss_weight * F.cross_entropy(logits, target)
        with torch.no_grad():
            # A tie counts against the query: equal vectors, as after a
            # collapse, must not pass for recognition.
            rank = (neg >= pos).sum(dim=1)
            return dict(
                loss_infonce=loss,
                acc_top1=100 * (rank < 1).float().mean(),
                acc_top5=100 * (rank < 5).float().mean(),
                pos_sim=pos.mean(),
                neg_sim=neg.mean(),
                feat_std=queries.std(dim=0, correction=0).mean(),
            )
