# ConvNeXt-T as backbone, trained by AdamW. mmdet's cascade of it has other box
# heads: backbone, FPN, RPN and mask heads start from it, the box heads from
# random weights. Layer norm has no statistics to share between tasks.
_base_ = '../amt2.py'

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
    moco=dict(neck=dict(projector=dict(in_channels=768))),
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
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/convnext/cascade_mask_rcnn_convnext-t_p4_w7_fpn_giou_4conv1f_fp16_ms-crop_3x_coco/cascade_mask_rcnn_convnext-t_p4_w7_fpn_giou_4conv1f_fp16_ms-crop_3x_coco_20220509_204200-8f07c40b.pth'
