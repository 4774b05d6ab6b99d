# A Swin transformer as backbone: Swin-T of half the width and fewer blocks.
_base_ = '../../mini/amt2_mini.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=48,
        depths=[2, 2, 2, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        drop_path_rate=0.1,
        patch_norm=True,
        convert_weights=False,
        init_cfg=None,
    ),
    neck=dict(in_channels=[48, 96, 192, 384]),
    moco=dict(neck=dict(projector=dict(in_channels=384))),
)
load_from = 'work_dirs/mini/warmup_swin-t_mini/iter_300.pth'
