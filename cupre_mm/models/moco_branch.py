"""The contrastive task beside a detector: MoCo on its backbone."""

import torch
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.dist import all_gather, get_world_size
from mmengine.model import ExponentialMovingAverage, revert_sync_batchnorm
from torch import Tensor, nn
from torch.nn import functional as F

from cupre_mm.models.contrastive_branch import ContrastiveBranch
from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError


@MODELS.register_module()
class MoCoBranch(ContrastiveBranch):
    """Momentum key encoder, projector, queue and loss of one backbone.

    Algorithm 1 of `MoCo <https://arxiv.org/abs/1911.05722>`_; upstream
    ``mmpretrain.MoCo`` is a whole model of its own. The backbone is passed
    in and never registered here: it keeps its own name in the detector, and
    its parameters stand once in a checkpoint. Other names are those of
    ``mmpretrain.MoCo``: ``encoder_k.module.0`` is the backbone's average,
    ``encoder_k.module.1`` the projector's.

    Between processes, keys are shuffled, so that batch norm cannot give
    away which key belongs to a query (section 3.3). Statistics of all
    processes together would undo that: ``sync_bn`` leaves the key encoder
    out. A single process has no shuffling.

    Args:
        backbone (nn.Module): The detector's backbone; copied into the key
            encoder.
        neck (dict): Config of a :class:`~cupre_mm.models.MoCoNeck`.
        loss (dict): Config of a :class:`~cupre_mm.models.MoCoLoss`.
        queue (dict): Config of a :class:`~cupre_mm.models.KeyQueue`.
        momentum (float): Share of the query encoder that enters the key
            encoder at each step. mmengine's convention: 0.001 is the MoCo
            paper's m = 0.999. Defaults to 0.001.
        batch_norm (dict, optional): Config of a
            :class:`~cupre_mm.models.TaskBatchNorm`. Defaults to None.
        init_cfg (dict | list[dict], optional): Initialisation.
            Defaults to None.

    Raises:
        BadConfigError: If ``momentum`` is not between 0 and 1.
    """

    def __init__(
        self,
        backbone: nn.Module,
        neck: ConfigType,
        loss: ConfigType,
        queue: ConfigType,
        momentum: float = 0.001,
        batch_norm: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(backbone, neck, batch_norm, init_cfg)
        if not 0 < momentum < 1:
            raise BadConfigError(
                f'MoCoBranch.momentum={momentum} must be between 0 and 1: '
                "0.001 here is the paper's 0.999."
            )
        self.loss_module = MODELS.build(loss)
        self.queue = MODELS.build(queue)
        # Its first update copies, so weights that are loaded into the
        # backbone after construction reach the key encoder.
        self.encoder_k = ExponentialMovingAverage(
            nn.Sequential(backbone, self.neck), momentum
        )

    def _loss(
        self, views: list[Tensor], backbone: nn.Module
    ) -> dict[str, Tensor]:
        """Contrast two views of each image, then store their keys.

        Args:
            views (list[Tensor]): Two tensors of shape (N, C, H, W): views
                for the query and for the key encoder.
            backbone (nn.Module): The detector's backbone.

        Returns:
            dict[str, Tensor]: The loss and diagnostics of
            :class:`~cupre_mm.models.MoCoLoss`, and 'queue_fill'.
        """
        im_q, im_k = views
        # Unit vectors are made in float32 also under mixed precision.
        q = F.normalize(self.neck(backbone(im_q)).float(), dim=1)  # NxC
        with torch.no_grad():
            self._update_key_encoder(backbone)
            (k,) = self._encode_keys(im_k)
            k = F.normalize(k, dim=1)  # NxC
        losses = self.loss_module(q, k, self.queue.negatives())
        self.queue.enqueue(torch.cat(all_gather(k), dim=0))
        losses['queue_fill'] = self.queue.fill.mean()
        return losses

    def _update_key_encoder(self, backbone: nn.Module) -> None:
        self.encoder_k.update_parameters(nn.Sequential(backbone, self.neck))

    def _key_vectors(self, images: Tensor) -> tuple[Tensor, ...]:
        """What the key encoder makes of images, in float32."""
        return (self.encoder_k(images).float(),)

    def _keep_key_statistics_local(self) -> None:
        # The runner converts the whole model, after it is built and again
        # whenever a run is resumed.
        encoder = self.encoder_k
        if any(isinstance(m, nn.SyncBatchNorm) for m in encoder.modules()):
            encoder.module = revert_sync_batchnorm(encoder.module)

    def _encode_keys(self, images: Tensor) -> tuple[Tensor, ...]:
        self._keep_key_statistics_local()
        if get_world_size() == 1:
            # A permutation within one process leaves its batch statistics
            # as they are; shuffling has an effect between processes only.
            return self._key_vectors(images)
        from mmpretrain.models.utils import (
            batch_shuffle_ddp,
            batch_unshuffle_ddp,
        )

        images, unshuffle = batch_shuffle_ddp(images)
        return tuple(
            batch_unshuffle_ddp(keys, unshuffle)
            for keys in self._key_vectors(images)
        )
