# AMT2 pre-training of Mask R-CNN, then 5 % of BBBC038.
_base_ = '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py'

roi_head = _base_.model.roi_head
stage = _base_.model.train_cfg.rcnn[0]
model = dict(
    type='MaskRCNN',
    roi_head=dict(
        _delete_=True,
        type='cupre_mm.ChunkedStandardRoIHead',
        chunk_size=256,
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
load_from = 'work_dirs/amt2_mask-rcnn/iter_90000.pth'
