"""The contrastive task on places of an image as well: DenseCL."""

from typing import Any

import torch
from mmdet.utils import ConfigType
from mmengine.dist import all_gather
from torch import Tensor, nn
from torch.nn import functional as F

from cupre_mm.models.moco_branch import MoCoBranch
from cupre_mm.registry import MODELS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError

_DENSE_FIGURES = ('acc_top1', 'pos_sim', 'neg_sim')


@MODELS.register_module()
class DenseCLBranch(MoCoBranch):
    """Momentum contrast of whole images and of the places in them.

    `DenseCL <https://arxiv.org/abs/2011.09157>`_ with the neck of
    ``mmpretrain.DenseCL``. Each place of a query is compared with that place
    of the other view whose backbone features are most alike, and with a
    second queue, of images' mean dense keys. The dense loss counts from the
    first step, where upstream's hook waits for 1,000: the backbone comes
    from detection training, and its features already match places.

    Args:
        backbone (nn.Module): The detector's backbone; copied into the key
            encoder.
        neck (dict): Config of an ``mmpretrain.DenseCLNeck``.
        loss (dict): Config of a :class:`~cupre_mm.models.MoCoLoss`, for
            both comparisons.
        queue (dict): Config of a :class:`~cupre_mm.models.KeyQueue`; two
            are built.
        dense_weight (float): Share lambda of the dense loss; the other has
            the rest. Defaults to 0.5.
        stage (int): Which of the backbone's outputs to use.
            Defaults to -1, the last.
        **kwargs: Further arguments of :class:`~cupre_mm.models.MoCoBranch`.

    Raises:
        BadConfigError: If ``dense_weight`` is not from 0 to 1, or the
            backbone has no such stage.
    """

    def __init__(
        self,
        backbone: nn.Module,
        neck: ConfigType,
        loss: ConfigType,
        queue: ConfigType,
        dense_weight: float = 0.5,
        stage: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, neck, loss, queue, **kwargs)
        if not 0 <= dense_weight <= 1:
            raise BadConfigError(
                f'DenseCLBranch.dense_weight={dense_weight!r} must be from '
                '0 (no dense loss) to 1 (nothing else).'
            )
        self.dense_weight = dense_weight
        self.stage = stage
        self.dense_queue = MODELS.build(queue)

    def _loss(
        self, views: list[Tensor], backbone: nn.Module
    ) -> dict[str, Tensor]:
        """Contrast two views and their places, then store their keys.

        Args:
            views (list[Tensor]): Two tensors of shape (N, C, H, W).
            backbone (nn.Module): The detector's backbone.

        Returns:
            dict[str, Tensor]: As :class:`~cupre_mm.models.MoCoBranch`, and
            'loss_dense', 'dense_acc_top1', 'dense_pos_sim' and
            'dense_neg_sim'.
        """
        im_q, im_k = views
        q, q_grid, _, q_map = self._encode(backbone, self.neck, im_q)
        with torch.no_grad():
            self._update_key_encoder(backbone)
            k, k_grid, k_mean, k_map = self._encode_keys(im_k)
            matched = _most_alike(q_map, k_map, k_grid)  # NxCxS^2
        losses = self.loss_module(q, k, self.queue.negatives())
        dense = self.loss_module(
            _as_rows(q_grid), _as_rows(matched), self.dense_queue.negatives()
        )
        single_weight = 1 - self.dense_weight
        losses['loss_infonce'] = single_weight * losses['loss_infonce']
        losses['loss_dense'] = self.dense_weight * dense['loss_infonce']
        losses.update((f'dense_{n}', dense[n]) for n in _DENSE_FIGURES)
        self.queue.enqueue(torch.cat(all_gather(k), dim=0))
        self.dense_queue.enqueue(torch.cat(all_gather(k_mean), dim=0))
        losses['queue_fill'] = self.queue.fill.mean()
        return losses

    def _key_vectors(self, images: Tensor) -> tuple[Tensor, ...]:
        return self._encode(*self.encoder_k.module, images)

    def _encode(
        self, backbone: nn.Module, neck: nn.Module, images: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Unit vectors of images, in float32.

        Returns:
            tuple[Tensor, ...]: Of images (N, C), of places (N, C, S^2), the
            dense mean (N, C), and the backbone's features (N, D, S^2) that
            places are matched by.
        """
        stages = backbone(images)
        with config_values('DenseCLBranch', stage=self.stage):
            features = stages[self.stage]
        vectors = neck((features,))
        # The neck may have pooled its grid; places must be the same.
        if neck.with_pool:
            features = neck.pool(features)
        with torch.autocast(features.device.type, enabled=False):
            return tuple(
                F.normalize(one.float(), dim=1)
                for one in (*vectors, features.detach().flatten(2))
            )


def _most_alike(q_map: Tensor, k_map: Tensor, k_grid: Tensor) -> Tensor:
    """For each place of a query, the key of the other view's nearest one.

    Args:
        q_map (Tensor): Unit features of the query's places, (N, D, S^2).
        k_map (Tensor): Those of the other view, (N, D, S^2).
        k_grid (Tensor): Keys of the other view's places, (N, C, S^2).

    Returns:
        Tensor: Keys of shape (N, C, S^2).
    """
    with torch.autocast(q_map.device.type, enabled=False):
        nearest = (q_map.transpose(1, 2) @ k_map).argmax(dim=2)  # NxS^2
    return k_grid.gather(
        2, nearest.unsqueeze(1).expand(-1, k_grid.shape[1], -1)
    )


def _as_rows(grid: Tensor) -> Tensor:
    """(N, C, S^2) as (N S^2, C)."""
    return grid.transpose(1, 2).flatten(0, 1)
