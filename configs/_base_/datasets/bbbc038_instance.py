# BBBC038 (Data Science Bowl 2018): fine-tuning and the held-out test part.
# Crop, scales and batch size are our choice. $CUPRE_SPLITS is the folder of
# the splits under data_root, $CUPRE_TRAIN_SPLIT the name of one in it.
data_root = '{{$CUPRE_DATA:data}}/bbbc038/'

# Median diameter of the training cells in pixels of the network's input, by
# which `--diameter` scales images. Measured by
# python tools/analysis/dataset_stats.py --sample 0 --loader test \
#     data/bbbc038/annotations/seed0/train_100.json \
#     --anchors configs/finetune/bbbc038/\
#     scratch_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py
cell_diameter = 26.6

meta_keys = (
    'img_id',
    'img_path',
    'ori_shape',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
)
train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # Nuclei are about 20 px wide: twice their size, as small objects are
    # found better.
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
    dict(type='PackDetInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='Resize', scale=(1388, 512), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='PackDetInputs', meta_keys=meta_keys[:5]),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(
        type='cupre_mm.BBBC038Dataset',
        data_root=data_root,
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/'
        '{{$CUPRE_TRAIN_SPLIT:train_100}}.json',
        data_prefix=dict(img='images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='cupre_mm.BBBC038Dataset',
        data_root=data_root,
        ann_file='{{$CUPRE_SPLITS:annotations/seed0}}/test.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='cupre_mm.CellMetric',
    ann_file=data_root + '{{$CUPRE_SPLITS:annotations/seed0}}/test.json',
    metric=['bbox', 'segm'],
    # The cell field's own metrics too, where masks are evaluated.
    cell_scores=dict(score_thr=0.5),
)
test_evaluator = val_evaluator
