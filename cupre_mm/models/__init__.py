"""Detectors with a contrastive branch, its parts, and sparse mask heads."""

from .amt2_detectors import (
    AMT2CascadeRCNN,
    AMT2MaskRCNN,
    AMT2Mixin,
    AMT2RTMDet,
)
from .chunked_assigner import ChunkedMaxIoUAssigner
from .chunked_mask_targets import ChunkedMaskTargetsMixin
from .chunked_roi_heads import (
    ChunkedCascadeRoIHead,
    ChunkedRoIMixin,
    ChunkedStandardRoIHead,
)
from .contrastive_branch import ContrastiveBranch
from .data_preprocessor import AMT2DataPreprocessor
from .densecl_branch import DenseCLBranch
from .key_queue import KeyQueue
from .moco_branch import MoCoBranch
from .moco_loss import MoCoLoss
from .moco_neck import MoCoNeck
from .rle_mask_heads import RLEMaskMixin, build_rle_mask_head
from .simsiam_branch import SimSiamBranch
from .task_batch_norm import TaskBatchNorm

__all__ = [
    'AMT2CascadeRCNN',
    'AMT2DataPreprocessor',
    'AMT2MaskRCNN',
    'AMT2Mixin',
    'AMT2RTMDet',
    'ChunkedCascadeRoIHead',
    'ChunkedMaskTargetsMixin',
    'ChunkedMaxIoUAssigner',
    'ChunkedRoIMixin',
    'ChunkedStandardRoIHead',
    'ContrastiveBranch',
    'DenseCLBranch',
    'KeyQueue',
    'MoCoBranch',
    'MoCoLoss',
    'MoCoNeck',
    'RLEMaskMixin',
    'SimSiamBranch',
    'TaskBatchNorm',
    'build_rle_mask_head',
]
