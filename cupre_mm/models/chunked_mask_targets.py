"""Targets of a mask head, of a part of the RoIs at a time."""

from types import SimpleNamespace
from typing import Any

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor

from cupre_mm.utils.errors import BadConfigError


class ChunkedMaskTargetsMixin:
    """Makes an ``FCNMaskHead`` cut its targets from few masks at a time.

    To be inherited before the head. mmdet makes a float mask of the image's
    size for each positive RoI, and on a GPU moves the masks of all cells
    there first. The targets are the same to the bit. A head that has targets
    of its own keeps them as they are.

    Args:
        *args: Arguments of the mask head.
        target_chunk_size (int): RoIs at a time. Defaults to 32.
        **kwargs: Keyword arguments of the mask head.

    Raises:
        BadConfigError: If ``target_chunk_size`` is below 1.
    """

    def __init__(
        self, *args: Any, target_chunk_size: int = 32, **kwargs: Any
    ) -> None:
        if target_chunk_size < 1:
            raise BadConfigError(
                'a mask head needs target_chunk_size >= 1, not '
                f'{target_chunk_size}; a large one cuts all targets at once'
            )
        super().__init__(*args, **kwargs)
        self.target_chunk_size = target_chunk_size

    def get_targets(
        self,
        sampling_results: list[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigDict,
    ) -> Tensor:
        """Cut the targets of all positive RoIs.

        Args:
            sampling_results (list[SamplingResult]): RoIs of each image.
            batch_gt_instances (list[InstanceData]): ``masks`` of each image.
            rcnn_train_cfg (ConfigDict): Has ``mask_size``.

        Returns:
            Tensor: Targets of the RoIs of all images, (n, h, w).
        """
        get_targets = super().get_targets
        if get_targets.__func__ is not FCNMaskHead.get_targets:
            return get_targets(
                sampling_results, batch_gt_instances, rcnn_train_cfg
            )
        targets = []
        for sampled, instances in zip(sampling_results, batch_gt_instances):
            chunks = zip(
                sampled.pos_priors.split(self.target_chunk_size),
                sampled.pos_assigned_gt_inds.split(self.target_chunk_size),
            )
            for priors, chosen in chunks:
                part = SimpleNamespace(
                    pos_priors=priors,
                    pos_assigned_gt_inds=torch.arange(len(chosen)),
                )
                masks = instances.masks[chosen.cpu().numpy()]
                targets.append(
                    get_targets(
                        [part], [SimpleNamespace(masks=masks)], rcnn_train_cfg
                    )
                )
        return torch.cat(targets)
