"""mmdet detectors that also train their backbone by momentum contrast."""

from collections.abc import Sequence
from typing import Any

from mmdet.models.detectors import CascadeRCNN, MaskRCNN, RTMDet
from mmdet.utils import ConfigType
from torch import Tensor, nn

from cupre_mm.registry import MODELS
from cupre_mm.utils.checkpoint import rename_moco_keys
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.task_schedule import split_step


class AMT2Mixin:
    """Adds the contrastive task to an mmdet detector.

    To be inherited before the detector. The detector's parameters keep
    their names; the new ones start with ``moco.``. Another detector is::

        @MODELS.register_module()
        class AMT2HTC(AMT2Mixin, HybridTaskCascade):
            ...

    Args:
        *args: Arguments of the detector.
        moco (dict): Config of a
            :class:`~cupre_mm.models.ContrastiveBranch`, such as
            :class:`~cupre_mm.models.MoCoBranch`, without its backbone.
        contrast_on (Sequence[str]): The detector's parts that the
            contrastive task trains, in the order of computation: with
            ('backbone', 'neck') it works on the levels of the FPN.
            Defaults to ('backbone', ).
        **kwargs: Keyword arguments of the detector.

    Raises:
        BadConfigError: If the detector has no such part.
    """

    def __init__(
        self,
        *args: Any,
        moco: ConfigType,
        contrast_on: Sequence[str] = ('backbone',),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        names = [] if isinstance(contrast_on, str) else contrast_on
        if not names or not all(
            isinstance(name, str)
            and isinstance(getattr(self, name, None), nn.Module)
            for name in names
        ):
            raise BadConfigError(
                f'model.contrast_on={contrast_on!r} must list parts of '
                f"{type(self).__name__}: ('backbone', ), or ('backbone', "
                "'neck') for the FPN's levels."
            )
        self.contrast_on = tuple(names)
        self.moco = MODELS.build(
            moco, default_args=dict(backbone=self._encoder())
        )

    def _encoder(self) -> nn.Module:
        """The parts that the contrastive task trains, as one module."""
        parts = [getattr(self, name) for name in self.contrast_on]
        return parts[0] if len(parts) == 1 else nn.Sequential(*parts)

    def forward(
        self,
        inputs: Any,
        data_samples: Any = None,
        mode: str = 'tensor',
        task: str = 'det',
    ) -> Any:
        """Run the detector, or in 'loss' mode any task.

        Args:
            inputs (Tensor | list[Tensor] | dict): Images (N, C, H, W); for
                the task 'moco' two views of that shape; for 'moco+det' both
                by task.
            data_samples (list | dict, optional): Annotations.
                Defaults to None.
            mode (str): 'loss', 'predict' or 'tensor'; see
                :class:`mmdet.models.BaseDetector`. Defaults to 'tensor'.
            task (str): Step of the schedule. Defaults to 'det'.

        Returns:
            dict[str, Tensor] | list | tuple: As the detector's; losses of a
            joint step carry their task as a prefix.
        """
        if mode != 'loss' or task == 'det':
            return super().forward(inputs, data_samples, mode)
        tasks = split_step(task)
        if len(tasks) == 1:
            return self._task_loss(task, inputs, data_samples)
        losses: dict[str, Tensor] = {}
        for one in tasks:
            part = self._task_loss(one, inputs[one], data_samples[one])
            losses.update((f'{one}/{name}', v) for name, v in part.items())
        return losses

    def _task_loss(
        self, task: str, inputs: Any, data_samples: Any
    ) -> dict[str, Tensor]:
        if task == 'moco':
            return self.moco.loss(inputs, self._encoder())
        return self.loss(inputs, data_samples)

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take a MoCo checkpoint of mmselfsup or mmpretrain too."""
        if not prefix:
            rename_moco_keys(state_dict)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


@MODELS.register_module()
class AMT2CascadeRCNN(AMT2Mixin, CascadeRCNN):
    """Cascade (Mask) R-CNN with the contrastive task.

    The model of `CUPre <https://arxiv.org/abs/2310.03981>`_.
    """


@MODELS.register_module()
class AMT2MaskRCNN(AMT2Mixin, MaskRCNN):
    """Mask R-CNN with the contrastive task."""


@MODELS.register_module()
class AMT2RTMDet(AMT2Mixin, RTMDet):
    """RTMDet, or RTMDet-Ins by its head, with the contrastive task."""
