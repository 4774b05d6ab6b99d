"""Hooks of pre-training and fine-tuning runs."""

from .checkpoint_report_hook import CheckpointReportHook
from .contrastive_health_hook import ContrastiveHealthHook
from .export_detector_hook import ExportDetectorHook
from .invalid_loss_hook import InvalidLossHook
from .queue_size_hook import QueueSizeHook
from .random_state_hook import RandomStateHook
from .safe_stop_hook import SafeStopHook
from .source_shares_hook import SourceSharesHook
from .sync_statistics_hook import SyncStatisticsHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
    'CheckpointReportHook',
    'ContrastiveHealthHook',
    'ExportDetectorHook',
    'InvalidLossHook',
    'QueueSizeHook',
    'RandomStateHook',
    'SafeStopHook',
    'SourceSharesHook',
    'SyncStatisticsHook',
    'WholeCheckpointHook',
]
