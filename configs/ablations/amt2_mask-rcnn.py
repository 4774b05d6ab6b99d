# Mask R-CNN: one stage of RoI heads, as in mmdet, in place of a cascade.
_base_ = '../amt2.py'

roi_head = _base_.model.roi_head
stage = _base_.model.train_cfg.rcnn[0]
model = dict(
    type='cupre_mm.AMT2MaskRCNN',
    roi_head=dict(
        _delete_=True,
        type='StandardRoIHead',
        bbox_roi_extractor=roi_head.bbox_roi_extractor,
        bbox_head=dict(
            roi_head.bbox_head[0],
            reg_class_agnostic=False,
            loss_bbox=dict(type='L1Loss', loss_weight=1.0),
        ),
        mask_roi_extractor=roi_head.mask_roi_extractor,
        mask_head=roi_head.mask_head,
    ),
    train_cfg=dict(
        rcnn=dict(
            stage,
            _delete_=True,
            assigner=dict(stage.assigner, match_low_quality=True),
        )
    ),
)
load_from = 'https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/mask_rcnn_r50_fpn_1x_coco/mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth'
