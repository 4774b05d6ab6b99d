# Mask R-CNN: one stage of RoI heads, as in mmdet, in place of a cascade.
_base_ = '../../mini/amt2_mini.py'

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
load_from = 'work_dirs/mini/warmup_mask-rcnn_mini/iter_300.pth'
