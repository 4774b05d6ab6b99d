# mmdet's Cascade Mask R-CNN R-50 FPN for one class of small, dense objects.
# Every value below is our choice.
_base_ = 'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py'

model = dict(
    backbone=dict(frozen_stages=-1, norm_eval=False, init_cfg=None),
    # Half of COCO's anchors: 16 to 256 px. tools/analysis/dataset_stats.py
    # tells whether they suit other data; BBBC038 and LIVECell have their own.
    rpn_head=dict(anchor_generator=dict(scales=[4])),
    roi_head=dict(
        # RoIs of a test step that are held at a time, which bounds its memory.
        # Predictions may differ from mmdet's by float32's rounding.
        type='cupre_mm.ChunkedCascadeRoIHead',
        chunk_size=256,
        bbox_head=[
            dict(
                type='Shared2FCBBoxHead',
                in_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes=1,
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
        # mmdet's FCNMaskHead, and its weights. Its dense masks of 3,000 cells
        # take a gigabyte. Targets are cut for 32 positive RoIs at a time.
        mask_head=dict(
            type='cupre_mm.RLEMaskHead', num_classes=1, target_chunk_size=32
        ),
    ),
    # Cells are cut by the image's edge all the time. The base model leaves
    # anchors that cross it out of RPN training, but not out of prediction.
    train_cfg=dict(
        rpn=dict(
            allowed_border=-1,
            # Cells compared with all anchors, below with all proposals, at a
            # time. Assignments stay mmdet's to the bit.
            assigner=dict(
                type='cupre_mm.ChunkedMaxIoUAssigner', chunk_size=64
            ),
        ),
        # As mmdet's base model but for the assigner: a list is replaced.
        rcnn=[
            dict(
                assigner=dict(
                    type='cupre_mm.ChunkedMaxIoUAssigner',
                    chunk_size=64,
                    pos_iou_thr=iou,
                    neg_iou_thr=iou,
                    min_pos_iou=iou,
                    match_low_quality=False,
                    ignore_iof_thr=-1,
                ),
                sampler=dict(
                    type='RandomSampler',
                    num=512,
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
    # mmdet keeps 100 detections an image; dense images hold thousands.
    test_cfg=dict(
        rpn=dict(nms_pre=3000, max_per_img=3000),
        rcnn=dict(max_per_img=3000),
    ),
)
