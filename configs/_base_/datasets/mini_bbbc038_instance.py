# BBBC038 at its own scale in crops of 256 px; our choice.
_base_ = './bbbc038_instance.py'

# As in the base, with --anchors configs/mini/finetune_scratch_mini.py.
cell_diameter = 19.8

train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomCrop',
        crop_size=(256, 256),
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
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='Resize', scale_factor=1.0, keep_ratio=True),
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
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_5}}.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = None
val_evaluator = None
test_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
