# AMT2 pre-training of the ConvNeXt backbone, then 5 % of BBBC038.
_base_ = [
    '../../mini/finetune_scratch_mini.py',
    '../../_base_/models/mini_convnext-t_parts.py',
]

model = dict(
    # It leaves out what is beyond the last whole patch of 32 px.
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(_base_.convnext_backbone, _delete_=True),
    neck=dict(in_channels=_base_.convnext_channels),
)
load_from = 'work_dirs/mini/amt2_convnext-t_mini/iter_180.pth'
