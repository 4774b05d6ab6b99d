# Generated labelled cells in crops of 128 px.
_base_ = './mini_bbbc038_instance.py'

# Measured as in the base, on data/demo/cells_labelled with
# --anchors configs/demo/finetune_scratch_demo.py.
cell_diameter = 17.5
data_root = '{{$CUPRE_DATA:data}}/demo/cells_labelled/'
metainfo = dict(classes=('cell',))
how_to_get = (
    'Run: python tools/make_demo_data.py data/demo, then python '
    'tools/dataset_converters/make_splits.py '
    'data/demo/cells_labelled/annotations/instances.json '
    'data/demo/cells_labelled/annotations/seed0'
)
train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomCrop',
        crop_size=(128, 128),
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
train_dataloader = dict(
    dataset=dict(
        type='cupre_mm.CheckedCocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        how_to_get=how_to_get,
        pipeline=train_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        type='cupre_mm.CheckedCocoDataset',
        data_root=data_root,
        metainfo=metainfo,
        how_to_get=how_to_get,
    )
)
test_evaluator = dict(
    ann_file=data_root + '{{$CUPRE_SPLITS:annotations/seed0}}/test.json'
)
