# RTMDet-Ins-m, a single-stage detector with dynamic mask heads, on AMT2's
# images and by AdamW.
_base_ = ['../amt2.py', '../_base_/models/rtmdet-ins_m_parts.py']

model = dict(
    _delete_=True,
    type='cupre_mm.AMT2RTMDet',
    data_preprocessor=dict(
        type='cupre_mm.AMT2DataPreprocessor',
        moco=dict(
            _base_.model.data_preprocessor.moco, **_base_.rtmdet_colours
        ),
        det=dict(_base_.model.data_preprocessor.det, **_base_.rtmdet_colours),
    ),
    # Its batch norm is synchronised by sync_bn, if at all.
    use_syncbn=False,
    moco=dict(
        _base_.model.moco,
        neck=dict(
            type='cupre_mm.MoCoNeck',
            projector=dict(
                _base_.model.moco.neck.projector,
                in_channels=_base_.rtmdet_ins.neck.in_channels[-1],
            ),
        ),
    ),
    **_base_.rtmdet_ins,
)
optim_wrapper = dict(_base_.rtmdet_optim_wrapper, _delete_=True)
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
load_from = 'https://download.openmmlab.com/mmdetection/v3.0/rtmdet/rtmdet-ins_m_8xb32-300e_coco/rtmdet-ins_m_8xb32-300e_coco_20221123_001039-6eba602e.pth'
