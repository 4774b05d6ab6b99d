# AMT2 pre-training of the ConvNeXt backbone, then 5 % of BBBC038.
_base_ = [
    '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py',
    '../_base_/models/convnext-t_parts.py',
]

model = dict(
    backbone=dict(_base_.convnext_backbone, _delete_=True),
    neck=dict(in_channels=_base_.convnext_channels),
)
optim_wrapper = dict(_base_.convnext_optim_wrapper, _delete_=True)
load_from = 'work_dirs/amt2_convnext-t/iter_90000.pth'
