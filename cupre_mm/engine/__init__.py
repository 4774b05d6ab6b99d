"""Training loop, optimizer construction and hooks of AMT2."""

from .amt2_loop import AMT2TrainLoop
from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .hooks import CheckpointReportHook, ExportDetectorHook, QueueSizeHook
from .resumable_train_loop import ResumableTrainLoop
from .task_optim_wrapper import TaskOptimWrapperConstructor
from .undisturbed_val_loop import UndisturbedValLoop

__all__ = [
    'AMT2TrainLoop',
    'BFloat16OptimWrapper',
    'CheckpointReportHook',
    'ExportDetectorHook',
    'QueueSizeHook',
    'ResumableTrainLoop',
    'TaskOptimWrapperConstructor',
    'UndisturbedValLoop',
]
