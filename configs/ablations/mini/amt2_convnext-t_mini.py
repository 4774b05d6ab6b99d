# A ConvNeXt as backbone: ConvNeXt-T of half the width and fewer blocks.
_base_ = [
    '../../mini/amt2_mini.py',
    '../../_base_/models/mini_convnext-t_parts.py',
]

model = dict(
    backbone=dict(_base_.convnext_backbone, _delete_=True),
    neck=dict(in_channels=_base_.convnext_channels),
    moco=dict(
        neck=dict(projector=dict(in_channels=_base_.convnext_channels[-1]))
    ),
)
load_from = 'work_dirs/mini/warmup_convnext-t_mini/iter_300.pth'
