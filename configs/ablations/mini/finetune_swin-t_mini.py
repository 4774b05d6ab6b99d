# AMT2 pre-training of the Swin backbone, then 5 % of BBBC038.
_base_ = [
    '../../mini/finetune_scratch_mini.py',
    '../../_base_/models/mini_swin-t_parts.py',
]

model = dict(
    backbone=dict(_base_.swin_backbone, _delete_=True),
    neck=dict(in_channels=_base_.swin_channels),
)
load_from = 'work_dirs/mini/amt2_swin-t_mini/iter_180.pth'
