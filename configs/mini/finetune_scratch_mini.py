# Random weights, then 5 % of BBBC038's training images.
_base_ = [
    '../_base_/models/mini_cells_cascade-mask-rcnn_r18_fpn.py',
    '../_base_/datasets/mini_bbbc038_instance.py',
    '../_base_/schedules/mini_finetune.py',
    '../_base_/mini_runtime.py',
]
