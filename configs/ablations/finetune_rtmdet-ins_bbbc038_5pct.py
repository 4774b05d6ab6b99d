# AMT2 pre-training of RTMDet-Ins, then 5 % of BBBC038.
_base_ = [
    '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py',
    '../_base_/models/rtmdet-ins_m_parts.py',
]

model = dict(
    _delete_=True,
    type='RTMDet',
    data_preprocessor=dict(
        _base_.model.data_preprocessor, **_base_.rtmdet_colours
    ),
    use_syncbn=False,
    backbone=_base_.rtmdet_ins.backbone,
    neck=_base_.rtmdet_ins.neck,
    bbox_head=dict(_base_.rtmdet_ins.bbox_head, num_classes=1),
    train_cfg=_base_.rtmdet_ins.train_cfg,
    test_cfg=_base_.rtmdet_ins.test_cfg,
)
optim_wrapper = dict(_base_.rtmdet_optim_wrapper, _delete_=True)
load_from = 'work_dirs/amt2_rtmdet-ins/iter_90000.pth'
