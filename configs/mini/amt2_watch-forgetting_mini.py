# AMT2 at mini scale with AP on the validation part of the COCO subset.
_base_ = ['./amt2_mini.py', '../_base_/datasets/coco_val.py']

mini_root = '{{$CUPRE_DATA:data}}/coco_mini/'

val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(320, 320), keep_ratio=True),
    _base_.val_pipeline[-1],
]
train_cfg = dict(val_interval=60)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(
        data_root=mini_root,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='images/'),
        how_to_get='See "COCO mini" in data/README.md.',
        pipeline=val_pipeline,
    ),
)
val_evaluator = dict(ann_file=mini_root + 'annotations/instances_val.json')
