# Cascade Mask R-CNN at a size that two CPU cores train: ResNet-18, FPN of
# 96 channels, few RoIs. Every value is our choice.
_base_ = 'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py'

model = dict(
    backbone=dict(depth=18, frozen_stages=-1, norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=96),
    rpn_head=dict(
        in_channels=96, feat_channels=96, anchor_generator=dict(scales=[4])
    ),
    roi_head=dict(
        # One sample a bin, by torchvision: half of a step on a CPU was RoI
        # alignment. Cells have no more than one pixel a bin anyway.
        bbox_roi_extractor=dict(
            out_channels=96,
            roi_layer=dict(use_torchvision=True, sampling_ratio=1),
        ),
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=96,
                fc_out_channels=256,
                roi_feat_size=7,
                num_classes=80,
                reg_class_agnostic=True,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0.0, 0.0, 0.0, 0.0],
                    target_stds=stds,
                ),
                loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
                loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
            )
            for stds in (
                [0.1, 0.1, 0.2, 0.2],
                [0.05, 0.05, 0.1, 0.1],
                [0.033, 0.033, 0.067, 0.067],
            )
        ],
        mask_roi_extractor=dict(
            out_channels=96,
            roi_layer=dict(use_torchvision=True, sampling_ratio=1),
        ),
        mask_head=dict(num_convs=2, in_channels=96, conv_out_channels=96),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=[
            dict(
                assigner=dict(
                    type='MaxIoUAssigner',
                    pos_iou_thr=iou,
                    neg_iou_thr=iou,
                    min_pos_iou=iou,
                    match_low_quality=False,
                    ignore_iof_thr=-1,
                ),
                sampler=dict(
                    type='RandomSampler',
                    num=96,
                    pos_fraction=0.25,
                    neg_pos_ub=-1,
                    add_gt_as_proposals=True,
                ),
                mask_size=28,
                pos_weight=-1,
                debug=False,
            )
            for iou in (0.5, 0.6, 0.7)
        ],
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=1000), rcnn=dict(max_per_img=1000)
    ),
)
