"""Hooks of pre-training and fine-tuning runs."""

from .checkpoint_report_hook import CheckpointReportHook
from .export_detector_hook import ExportDetectorHook
from .queue_size_hook import QueueSizeHook
from .source_shares_hook import SourceSharesHook

__all__ = [
    'CheckpointReportHook',
    'ExportDetectorHook',
    'QueueSizeHook',
    'SourceSharesHook',
]
