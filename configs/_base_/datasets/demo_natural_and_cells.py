# The mini dual loader on generated data at 128 px.
_base_ = './mini_coco_and_cells.py'

data_root = '{{$CUPRE_DATA:data}}/demo/'

# Of the 80 outputs of the mini model's heads these 20 are used.
natural_categories = [
    'striped star',
    'dotted star',
    'checked star',
    'marbled star',
    'striped ring',
    'dotted ring',
    'checked ring',
    'marbled ring',
    'striped blob',
    'dotted blob',
    'checked blob',
    'marbled blob',
    'striped triangle',
    'dotted triangle',
    'checked triangle',
    'marbled triangle',
    'striped leaf',
    'dotted leaf',
    'checked leaf',
    'marbled leaf',
]
det_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomCrop',
        crop_size=(128, 128),
        crop_type='absolute',
        allow_negative_crop=False,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(
    moco=dict(
        batch_size=16,
        dataset=dict(
            data_root=data_root,
            sources=[
                dict(name='phase', paths='cells_unlabelled/phase'),
                dict(
                    name='fluorescence', paths='cells_unlabelled/fluorescence'
                ),
                dict(name='stained', paths='cells_unlabelled/stained'),
            ],
        ),
    ),
    det=dict(
        dataset=dict(
            data_root=data_root + 'natural/',
            ann_file='annotations/instances_train.json',
            data_prefix=dict(img='images/'),
            metainfo=dict(classes=natural_categories),
            how_to_get='Run: python tools/make_demo_data.py data/demo',
            pipeline=det_pipeline,
        )
    ),
)
