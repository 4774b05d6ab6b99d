# AMT2 pre-training of the Swin backbone, then 5 % of BBBC038.
_base_ = '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        drop_path_rate=0.2,
        patch_norm=True,
        convert_weights=False,
        init_cfg=None,
    ),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0001, weight_decay=0.05),
    paramwise_cfg=dict(
        custom_keys={
            'absolute_pos_embed': dict(decay_mult=0.0),
            'relative_position_bias_table': dict(decay_mult=0.0),
            'norm': dict(decay_mult=0.0),
        }
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
load_from = 'work_dirs/amt2_swin-t/iter_90000.pth'
