# BBBC038 images by mmdet's own loader, in training and test.
_base_ = '../finetune/bbbc038/amt2_cascade-mask-rcnn_r50_fpn_5pct_bbbc038.py'

load_from = 'work_dirs/amt2_no-normalization/iter_90000.pth'

stock_load = dict(type='LoadImageFromFile')
train_pipeline = [
    stock_load,
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomResize',
        scale=(512, 512),
        ratio_range=(0.75, 2.0),
        keep_ratio=True,
    ),
    dict(
        type='RandomCrop',
        crop_size=(512, 512),
        crop_type='absolute',
        allow_negative_crop=True,
    ),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='PackDetInputs', meta_keys=_base_.meta_keys),
]
test_pipeline = [
    stock_load,
    dict(type='Resize', scale=(1388, 512), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
        ),
    ),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
