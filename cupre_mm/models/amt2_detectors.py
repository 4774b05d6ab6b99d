"""mmdet detectors that also train their backbone by momentum contrast."""

from typing import Any

from mmdet.models.detectors import CascadeRCNN, MaskRCNN
from mmdet.utils import ConfigType
from torch import Tensor

from cupre_mm.registry import MODELS
from cupre_mm.utils.checkpoint import rename_moco_keys
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
        moco (dict): Config of a :class:`~cupre_mm.models.MoCoBranch`
            without its backbone.
        **kwargs: Keyword arguments of the detector.
    """

    def __init__(self, *args: Any, moco: ConfigType, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.moco = MODELS.build(
            moco, default_args=dict(backbone=self.backbone)
        )

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
            return self.moco.loss(inputs, self.backbone)
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
