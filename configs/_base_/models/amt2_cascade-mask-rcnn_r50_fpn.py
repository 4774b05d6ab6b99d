# mmdet's Cascade Mask R-CNN R-50 FPN with the contrastive branch.
_base_ = 'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py'

det_preprocessor = _base_.model.data_preprocessor

model = dict(
    type='cupre_mm.AMT2CascadeRCNN',
    data_preprocessor=dict(
        _delete_=True,
        type='cupre_mm.AMT2DataPreprocessor',
        moco=dict(
            type='mmpretrain.SelfSupDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        ),
        det=det_preprocessor,
    ),
    backbone=dict(
        # The base model freezes stem and layer1 and keeps batch norm in
        # evaluation mode. Contrast could then not teach the early layers,
        # and shuffling keys between processes would have no effect.
        frozen_stages=-1,
        norm_eval=False,
        # All weights come from load_from.
        init_cfg=None,
    ),
    moco=dict(
        type='cupre_mm.MoCoBranch',
        neck=dict(
            type='cupre_mm.MoCoNeck',
            stages=(-1,),
            # MoCo v2's sizes; the paper names none: our choice.
            projector=dict(
                type='mmpretrain.MoCoV2Neck',
                in_channels=2048,
                hid_channels=2048,
                out_channels=128,
            ),
        ),
        loss=dict(type='cupre_mm.MoCoLoss', temperature=0.2),  # our choice
        # MoCo's 65,536 is more than the images that cell corpora have.
        queue=dict(type='cupre_mm.KeyQueue', length=4096, dim=128),  # ours
        momentum=0.001,  # mmengine's convention for the 0.999 of MoCo
    ),
)
