# CUPre pre-training at full size: AMT2 from mmdet's COCO checkpoint.
# arXiv 2310.03981 gives the method; values marked as our choice in the
# base files are not in it.
_base_ = [
    './_base_/models/amt2_cascade-mask-rcnn_r50_fpn.py',
    './_base_/datasets/coco_and_cells.py',
    './_base_/schedules/amt2_90k.py',
    './_base_/iter_runtime.py',
]

custom_hooks = [
    dict(type='cupre_mm.CheckpointReportHook'),
    dict(type='cupre_mm.QueueSizeHook'),
    dict(type='cupre_mm.SourceSharesHook'),
    dict(type='cupre_mm.ContrastiveHealthHook'),
    dict(type='cupre_mm.ExportDetectorHook'),
]
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/cascade_rcnn/cascade_mask_rcnn_r50_fpn_1x_coco/cascade_mask_rcnn_r50_fpn_1x_coco_20200203-9d4dcb24.pth'
