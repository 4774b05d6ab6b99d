"""From backbone stages to the vector that momentum contrast compares."""

from collections.abc import Sequence

import torch
from mmdet.utils import ConfigType, OptMultiConfig
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from cupre_mm.registry import MODELS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError


@MODELS.register_module()
class MoCoNeck(BaseModule):
    """Chooses backbone stages and projects them by one of mmpretrain's necks.

    The chosen stages are averaged over space and joined, so
    ``projector.in_channels`` is the sum of their channels.

    Args:
        projector (dict): ``mmpretrain.MoCoV2Neck`` for the MLP of `MoCo v2
            <https://arxiv.org/abs/2003.04297>`_ or
            ``mmpretrain.LinearNeck`` with ``gap_dim=2, norm_cfg=None`` for
            the linear layer of MoCo v1.
        stages (Sequence[int]): Which of the backbone's outputs to use.
            Defaults to (-1, ), the last.
        init_cfg (dict | list[dict], optional): Initialisation.
            Defaults to None.

    Raises:
        BadConfigError: If no stage is named.
    """

    def __init__(
        self,
        projector: ConfigType,
        stages: Sequence[int] = (-1,),
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not isinstance(stages, Sequence) or not all(
            type(stage) is int for stage in stages
        ):
            raise BadConfigError(
                f'MoCoNeck.stages={stages!r} is no list of whole numbers, '
                'such as (-1, )'
            )
        if not stages:
            raise BadConfigError(
                'MoCoNeck.stages is empty: name at least one output of the '
                'backbone, such as (-1, ) for the last.'
            )
        self.stages = tuple(stages)
        self._in_channels = projector.get('in_channels')
        self.projector = MODELS.build(projector)

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Project features of a backbone.

        Args:
            features (tuple[Tensor]): Feature maps, each (N, C_i, H_i, W_i).

        Returns:
            Tensor: Vectors of shape (N, C), not normalised.

        Raises:
            BadConfigError: If there is no such stage, or the projector is
                for another number of channels.
        """
        with config_values('MoCoNeck', stages=self.stages):
            chosen = [features[stage] for stage in self.stages]
        channels = sum(one.shape[1] for one in chosen)
        if self._in_channels not in (None, channels):
            raise BadConfigError(
                f'MoCoNeck: the stages {self.stages} of the backbone have '
                f'{channels} channels together, but projector.in_channels='
                f'{self._in_channels}: set it to {channels}'
            )
        if len(chosen) > 1:
            pooled = [F.adaptive_avg_pool2d(one, 1) for one in chosen]
            chosen = [torch.cat(pooled, dim=1)]
        return self.projector(tuple(chosen))[0]
