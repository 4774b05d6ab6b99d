# Swin-T as backbone, trained by AdamW as in mmdet. mmdet has no cascade of it:
# backbone, FPN and RPN start from its Mask R-CNN, the RoI heads from random
# weights. Layer norm has no statistics to share between tasks.
_base_ = [
    '../amt2.py',
    '../_base_/models/swin-t_parts.py',
]

model = dict(
    backbone=dict(_base_.swin_backbone, _delete_=True),
    neck=dict(in_channels=_base_.swin_channels),
    moco=dict(neck=dict(projector=dict(in_channels=_base_.swin_channels[-1]))),
)
optim_wrapper = dict(_base_.swin_optim_wrapper, _delete_=True)
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
