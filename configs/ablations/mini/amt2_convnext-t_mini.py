# A ConvNeXt as backbone: ConvNeXt-T of half the width and fewer blocks.
_base_ = '../../mini/amt2_mini.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ConvNeXt',
        arch=dict(depths=[2, 2, 4, 2], channels=[48, 96, 192, 384]),
        out_indices=[0, 1, 2, 3],
        drop_path_rate=0.1,
        layer_scale_init_value=1.0,
        gap_before_final_norm=False,
    ),
    neck=dict(in_channels=[48, 96, 192, 384]),
    moco=dict(neck=dict(projector=dict(in_channels=384))),
)
load_from = 'work_dirs/mini/warmup_convnext-t_mini/iter_300.pth'
