"""The contrastive task without negatives: SimSiam on a detector's backbone."""

import torch
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from torch import Tensor, nn
from torch.nn import functional as F

from cupre_mm.models.contrastive_branch import ContrastiveBranch
from cupre_mm.registry import MODELS


@MODELS.register_module()
class SimSiamBranch(ContrastiveBranch):
    """Projector, predictor and a stopped gradient; no key encoder, no queue.

    Algorithm 1 of `SimSiam <https://arxiv.org/abs/2011.10566>`_ with the
    parts of ``mmpretrain.SimSiam``. The predictor follows the learning rate
    schedule, where the paper holds its rate fixed.

    Args:
        backbone (nn.Module): The detector's backbone.
        neck (dict): Config of a :class:`~cupre_mm.models.MoCoNeck` whose
            projector is an ``mmpretrain.NonLinearNeck``.
        head (dict): Config of an ``mmpretrain.LatentPredictHead``.
        batch_norm (dict, optional): Config of a
            :class:`~cupre_mm.models.TaskBatchNorm`. Defaults to None.
        init_cfg (dict | list[dict], optional): Initialisation.
            Defaults to None.
    """

    def __init__(
        self,
        backbone: nn.Module,
        neck: ConfigType,
        head: ConfigType,
        batch_norm: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(backbone, neck, batch_norm, init_cfg)
        self.head = MODELS.build(head)
        # With it the health hook tells a collapse.
        self.dim: int = neck['projector']['out_channels']

    def _loss(
        self, views: list[Tensor], backbone: nn.Module
    ) -> dict[str, Tensor]:
        """Predict the projection of each view from the other's.

        Args:
            views (list[Tensor]): Two tensors of shape (N, C, H, W).
            backbone (nn.Module): The detector's backbone.

        Returns:
            dict[str, Tensor]: 'loss_similarity', the negative cosine of
            predictions and projections, -1 at best and after a collapse;
            'pos_sim', the mean cosine of the two projections; 'feat_std',
            0 after a collapse, about 1 / sqrt(C) otherwise.
        """
        one, other = (self.neck(backbone(view)) for view in views)  # NxC
        # Cosines are taken in float32 also under mixed precision.
        with torch.autocast(one.device.type, enabled=False):
            one, other = one.float(), other.float()
            loss = 0.5 * (
                self.head.loss(one, other) + self.head.loss(other, one)
            )
            with torch.no_grad():
                units = F.normalize(one, dim=1), F.normalize(other, dim=1)
                return dict(
                    loss_similarity=loss,
                    pos_sim=(units[0] * units[1]).sum(dim=1).mean(),
                    feat_std=units[0].std(dim=0, correction=0).mean(),
                )
