# Random weights, then 5 % of the generated labelled cells.
_base_ = [
    '../_base_/models/mini_cells_cascade-mask-rcnn_r18_fpn.py',
    '../_base_/datasets/demo_cells_instance.py',
    '../_base_/schedules/mini_finetune.py',
    '../_base_/mini_runtime.py',
]

train_cfg = dict(max_iters=120)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=120,
        milestones=[95],
        gamma=0.1,
    ),
]
