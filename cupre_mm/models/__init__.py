"""Detectors with a contrastive branch, its parts, and sparse mask heads."""

from .amt2_detectors import AMT2CascadeRCNN, AMT2MaskRCNN, AMT2Mixin
from .chunked_assigner import ChunkedMaxIoUAssigner
from .chunked_mask_targets import ChunkedMaskTargetsMixin
from .chunked_roi_heads import (
    ChunkedCascadeRoIHead,
    ChunkedRoIMixin,
    ChunkedStandardRoIHead,
)
from .data_preprocessor import AMT2DataPreprocessor
from .key_queue import KeyQueue
from .moco_branch import MoCoBranch
from .moco_loss import MoCoLoss
from .moco_neck import MoCoNeck
from .rle_mask_heads import RLEMaskMixin, build_rle_mask_head

__all__ = [
    'AMT2CascadeRCNN',
    'AMT2DataPreprocessor',
    'AMT2MaskRCNN',
    'AMT2Mixin',
    'ChunkedCascadeRoIHead',
    'ChunkedMaskTargetsMixin',
    'ChunkedMaxIoUAssigner',
    'ChunkedRoIMixin',
    'ChunkedStandardRoIHead',
    'KeyQueue',
    'MoCoBranch',
    'MoCoLoss',
    'MoCoNeck',
    'RLEMaskMixin',
    'build_rle_mask_head',
]
