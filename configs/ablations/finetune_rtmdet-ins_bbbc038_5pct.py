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
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.00025, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, bias_decay_mult=0.0, bypass_duplicate=True
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
load_from = 'work_dirs/amt2_rtmdet-ins/iter_90000.pth'
