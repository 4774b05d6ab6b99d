# AMT2 on the generated demo data, from a warmed-up detector.
_base_ = [
    '../_base_/models/demo_amt2_cascade-mask-rcnn_r18_fpn.py',
    '../_base_/datasets/demo_natural_and_cells.py',
    '../_base_/schedules/mini_pretrain.py',
    '../_base_/mini_runtime.py',
]

train_cfg = dict(max_iters=80)
custom_hooks = [
    dict(type='cupre_mm.CheckpointReportHook'),
    dict(type='cupre_mm.QueueSizeHook'),
    dict(type='cupre_mm.SourceSharesHook'),
    dict(type='cupre_mm.ContrastiveHealthHook', interval=20, warmup_iters=60),
    dict(type='cupre_mm.ExportDetectorHook'),
]
load_from = 'work_dirs/demo/warmup_demo/iter_80.pth'
