# COCO's validation images during pre-training, to watch detection being
# forgotten: coco/bbox_mAP and coco/segm_mAP at every val_interval of
# train_cfg. The weights come out as without it.
coco_root = '{{$CUPRE_DATA:data}}/coco/'

val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
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
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='cupre_mm.CheckedCocoDataset',
        data_root=coco_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        how_to_get='See "COCO 2017" in data/README.md.',
        pipeline=val_pipeline,
    ),
)
val_evaluator = dict(
    # At 100 detections the values are pycocotools'. CocoMetric would log
    # nothing, rather than 0, for a model that detects nothing any more.
    type='cupre_mm.CellMetric',
    prefix='coco',
    ann_file=coco_root + 'annotations/instances_val2017.json',
    metric=['bbox', 'segm'],
    max_dets=100,
)
val_cfg = dict(type='cupre_mm.UndisturbedValLoop')
