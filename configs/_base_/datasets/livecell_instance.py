# LIVECell: fine-tuning on shares of its training part, its own validation
# and test parts. Scales and batch size are our choice.
_base_ = './bbbc038_instance.py'

data_root = '{{$CUPRE_DATA:data}}/livecell/'

train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        # LIVECell's own recipe has short edges from 440 to 620 px.
        scales=[(1333, edge) for edge in (440, 480, 520, 580, 620)],
        keep_ratio=True,
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
    dict(type='Resize', scale=(1333, 520), keep_ratio=True),
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
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='annotations/seed0/train_100.json',
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_val.json',
        pipeline=test_pipeline,
    )
)
val_evaluator = dict(ann_file=data_root + 'annotations/livecell_coco_val.json')
test_dataloader = dict(
    dataset=dict(
        type='cupre_mm.LIVECellDataset',
        data_root=data_root,
        ann_file='annotations/livecell_coco_test.json',
        pipeline=test_pipeline,
    )
)
test_evaluator = dict(
    ann_file=data_root + 'annotations/livecell_coco_test.json'
)
