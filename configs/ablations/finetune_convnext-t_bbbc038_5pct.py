# AMT2 pre-training of the ConvNeXt backbone, then 5 % of BBBC038.
_base_ = '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.ConvNeXt',
        arch='tiny',
        out_indices=[0, 1, 2, 3],
        drop_path_rate=0.4,
        layer_scale_init_value=1.0,
        gap_before_final_norm=False,
    ),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0002, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys={'gamma': dict(decay_mult=0.0)},
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
load_from = 'work_dirs/amt2_convnext-t/iter_90000.pth'
