"""Training loop, optimizer construction and hooks of AMT2."""

from .amt2_loop import AMT2TrainLoop
from .hooks import CheckpointReportHook, ExportDetectorHook, QueueSizeHook
from .task_optim_wrapper import TaskOptimWrapperConstructor

__all__ = [
    'AMT2TrainLoop',
    'CheckpointReportHook',
    'ExportDetectorHook',
    'QueueSizeHook',
    'TaskOptimWrapperConstructor',
]
