"""Data preprocessing of a model that trains two tasks in turn."""

from typing import Any

from mmdet.utils import ConfigType
from mmengine.model import BaseDataPreprocessor
from torch import nn

from cupre_mm.registry import MODELS
from cupre_mm.utils.task_schedule import split_step


@MODELS.register_module()
class AMT2DataPreprocessor(BaseDataPreprocessor):
    """Sends each batch to its task's own preprocessor.

    The task travels inside the data, because the ``train_step`` of
    mmengine's distributed wrapper has no other way in. Data without a task
    is for detection: test and inference use the model as any detector.

    Args:
        moco (dict): Config of the preprocessor of image views, such as
            ``mmpretrain.SelfSupDataPreprocessor``.
        det (dict): Config of the detector's, ``DetDataPreprocessor``.
    """

    def __init__(self, moco: ConfigType, det: ConfigType) -> None:
        super().__init__()
        self.tasks = nn.ModuleDict(
            dict(moco=MODELS.build(moco), det=MODELS.build(det))
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Preprocess one batch.

        Args:
            data (dict): A batch of one task, with its name under 'task'; for
                a joint step 'moco+det' the batches of both, by task.
            training (bool): Whether to apply batch augmentations.
                Defaults to False.

        Returns:
            dict: 'inputs', 'data_samples' and, where it was given, 'task';
            for a joint step the first two are dicts by task.
        """
        data = dict(data)
        step = data.pop('task', None)
        tasks = split_step(step or 'det')
        if len(tasks) == 1:
            done = self.tasks[tasks[0]](data, training)
            return dict(done) if step is None else dict(done, task=step)
        parts = {
            task: self.tasks[task](data[task], training) for task in tasks
        }
        return dict(
            inputs={task: part['inputs'] for task, part in parts.items()},
            data_samples={
                task: part['data_samples'] for task, part in parts.items()
            },
            task=step,
        )

    def to(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Move both preprocessors; each keeps its own device."""
        for one in self.tasks.values():
            one.to(*args, **kwargs)
        return super().to(*args, **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Move both preprocessors to a CUDA device."""
        for one in self.tasks.values():
            one.cuda(*args, **kwargs)
        return super().cuda(*args, **kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Move both preprocessors to the CPU."""
        for one in self.tasks.values():
            one.cpu(*args, **kwargs)
        return super().cpu(*args, **kwargs)

    @property
    def pad_size_divisor(self) -> int:
        """Divisor that padded detection inputs have, in px."""
        return self.tasks['det'].pad_size_divisor
