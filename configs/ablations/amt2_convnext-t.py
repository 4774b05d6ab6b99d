# ConvNeXt-T as backbone, trained by AdamW. mmdet's cascade of it has other box
# heads: backbone, FPN, RPN and mask heads start from it, the box heads from
# random weights. Layer norm has no statistics to share between tasks.
_base_ = [
    '../amt2.py',
    '../_base_/models/convnext-t_parts.py',
]

model = dict(
    backbone=dict(_base_.convnext_backbone, _delete_=True),
    neck=dict(in_channels=_base_.convnext_channels),
    moco=dict(
        neck=dict(projector=dict(in_channels=_base_.convnext_channels[-1]))
    ),
)
optim_wrapper = dict(_base_.convnext_optim_wrapper, _delete_=True)
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
