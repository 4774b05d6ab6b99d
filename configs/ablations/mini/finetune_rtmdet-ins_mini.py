# AMT2 pre-training of RTMDet-Ins, then 5 % of BBBC038.
_base_ = [
    '../../mini/finetune_scratch_mini.py',
    '../../_base_/models/mini_rtmdet-ins_parts.py',
]

model = dict(
    _delete_=True,
    type='RTMDet',
    data_preprocessor=dict(
        _base_.model.data_preprocessor,
        # Its neck doubles the size of a feature map.
        pad_size_divisor=32,
        **_base_.rtmdet_colours,
    ),
    use_syncbn=False,
    backbone=_base_.rtmdet_ins.backbone,
    neck=_base_.rtmdet_ins.neck,
    bbox_head=dict(_base_.rtmdet_ins.bbox_head, num_classes=1),
    train_cfg=_base_.rtmdet_ins.train_cfg,
    test_cfg=_base_.rtmdet_ins.test_cfg,
)
load_from = 'work_dirs/mini/amt2_rtmdet-ins_mini/iter_180.pth'
