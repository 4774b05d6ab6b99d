# The mini detector with the contrastive branch.
_base_ = './mini_cascade-mask-rcnn_r18_fpn.py'

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
    moco=dict(
        type='cupre_mm.MoCoBranch',
        neck=dict(
            type='cupre_mm.MoCoNeck',
            projector=dict(
                type='mmpretrain.MoCoV2Neck',
                in_channels=512,
                hid_channels=512,
                out_channels=128,
            ),
        ),
        loss=dict(type='cupre_mm.MoCoLoss', temperature=0.2),
        # Below the 836 unlabelled images less a batch.
        queue=dict(type='cupre_mm.KeyQueue', length=768, dim=128),
        # A run of a few hundred pairs is too short for the usual 0.001: the
        # keys would stay near where they began.
        momentum=0.01,
    ),
)
