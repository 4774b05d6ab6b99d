# AMT2 at mini scale, from a detector warmed up on the same COCO subset.
_base_ = [
    '../_base_/models/mini_amt2_cascade-mask-rcnn_r18_fpn.py',
    '../_base_/datasets/mini_coco_and_cells.py',
    '../_base_/schedules/mini_pretrain.py',
    '../_base_/mini_runtime.py',
]

custom_hooks = [
    dict(type='cupre_mm.CheckpointReportHook'),
    dict(type='cupre_mm.QueueSizeHook'),
    dict(type='cupre_mm.SourceSharesHook', interval=60),
    dict(type='cupre_mm.ContrastiveHealthHook', interval=30, warmup_iters=120),
    dict(type='cupre_mm.ExportDetectorHook'),
]
load_from = 'work_dirs/mini/warmup_mini/iter_300.pth'
