# RTMDet-Ins-tiny, a single-stage detector with dynamic mask heads.
_base_ = [
    '../../mini/amt2_mini.py',
    '../../_base_/models/mini_rtmdet-ins_parts.py',
]

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
load_from = 'work_dirs/mini/warmup_rtmdet-ins_mini/iter_300.pth'
