# AMT2 on the demo data with AP on its natural validation images.
_base_ = ['./amt2_demo.py', '../_base_/datasets/coco_val.py']

natural_root = '{{$CUPRE_DATA:data}}/demo/natural/'

val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale_factor=1.0, keep_ratio=True),
    _base_.val_pipeline[-1],
]
train_cfg = dict(val_interval=20)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=natural_root,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=_base_.natural_categories),
        how_to_get='Run: python tools/make_demo_data.py data/demo',
        pipeline=val_pipeline,
    ),
)
val_evaluator = dict(ann_file=natural_root + 'annotations/instances_val.json')
