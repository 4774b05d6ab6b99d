# AMT2 pre-training of the ConvNeXt backbone, then 5 % of BBBC038.
_base_ = '../../mini/finetune_scratch_mini.py'

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
)
load_from = 'work_dirs/mini/amt2_convnext-t_mini/iter_180.pth'
