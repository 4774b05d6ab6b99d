# A Swin transformer as backbone: Swin-T of half the width and fewer blocks.
_base_ = [
    '../../mini/amt2_mini.py',
    '../../_base_/models/mini_swin-t_parts.py',
]

model = dict(
    backbone=dict(_base_.swin_backbone, _delete_=True),
    neck=dict(in_channels=_base_.swin_channels),
    moco=dict(neck=dict(projector=dict(in_channels=_base_.swin_channels[-1]))),
)
load_from = 'work_dirs/mini/warmup_swin-t_mini/iter_300.pth'
