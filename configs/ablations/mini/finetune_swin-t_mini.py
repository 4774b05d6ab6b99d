# AMT2 pre-training of the Swin backbone, then 5 % of BBBC038.
_base_ = '../../mini/finetune_scratch_mini.py'

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
)
load_from = 'work_dirs/mini/amt2_swin-t_mini/iter_180.pth'
