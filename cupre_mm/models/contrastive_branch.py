"""What every contrastive task beside a detector has in common."""

from abc import ABCMeta, abstractmethod
from contextlib import nullcontext

from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.model import BaseModule
from torch import Tensor, nn

from cupre_mm.registry import MODELS


class ContrastiveBranch(BaseModule, metaclass=ABCMeta):
    """A projector, and a loss of two views of each image.

    A subclass is chosen by ``model.moco.type``, whatever its method. The
    encoder is passed in and never registered here: its parts keep their own
    names in the detector, and their parameters stand once in a checkpoint.

    Args:
        backbone (nn.Module): The detector's backbone, or the sequence of
            parts that ``contrast_on`` of
            :class:`~cupre_mm.models.AMT2Mixin` names.
        neck (dict): Config of the projector.
        batch_norm (dict, optional): Config of a
            :class:`~cupre_mm.models.TaskBatchNorm`, which keeps this task's
            batch statistics apart. Defaults to None.
        init_cfg (dict | list[dict], optional): Initialisation.
            Defaults to None.
    """

    def __init__(
        self,
        backbone: nn.Module,
        neck: ConfigType,
        batch_norm: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.neck = MODELS.build(neck)
        self.batch_norm = (
            None
            if batch_norm is None
            else MODELS.build(batch_norm, default_args=dict(encoder=backbone))
        )

    def loss(
        self, views: list[Tensor], backbone: nn.Module
    ) -> dict[str, Tensor]:
        """Compare two views of each image.

        Args:
            views (list[Tensor]): Two tensors of shape (N, C, H, W).
            backbone (nn.Module): The encoder, as at construction.

        Returns:
            dict[str, Tensor]: Losses, whose names hold 'loss', and figures
            to log.
        """
        with (
            nullcontext()
            if self.batch_norm is None
            else self.batch_norm.put_into(backbone)
        ):
            return self._loss(views, backbone)

    @abstractmethod
    def _loss(
        self, views: list[Tensor], backbone: nn.Module
    ) -> dict[str, Tensor]:
        """As :meth:`loss`, with this task's batch norm in the encoder."""
