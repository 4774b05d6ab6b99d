# Swin-T as backbone, trained by AdamW as in mmdet. mmdet has no cascade of it:
# backbone, FPN and RPN start from its Mask R-CNN, the RoI heads from random
# weights. Layer norm has no statistics to share between tasks.
_base_ = '../amt2.py'

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
    moco=dict(neck=dict(projector=dict(in_channels=768))),
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
# As the base's; its last rate is above what AdamW begins with.
param_scheduler = [
    _base_.param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=1000,
        end=90000,
        T_max=89000,
        eta_min_ratio=0.01,
    ),
]
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/swin/mask_rcnn_swin-t-p4-w7_fpn_1x_coco/mask_rcnn_swin-t-p4-w7_fpn_1x_coco_20210902_120937-9d6b7cfa.pth'
