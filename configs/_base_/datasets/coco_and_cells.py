# The dual loader: unlabelled cells for contrast, COCO for detection.
# Augmentations are MoCo v2's and mmdet's. Batch sizes, sources, their
# balance and crop sizes are our choice: the paper's are not known.
_base_ = './cell_catalogue.py'

data_root = '{{$CUPRE_DATA:data}}/'

view_pipeline = [
    dict(
        type='mmpretrain.RandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        interpolation='bilinear',
    ),
    dict(
        type='RandomApply',
        transforms=[
            dict(
                type='cupre_mm.CellColorJitter',
                brightness=0.4,
                contrast=0.4,
                saturation=0.4,
                hue=0.1,
            )
        ],
        prob=0.8,
    ),
    dict(
        type='mmpretrain.RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(
        type='mmpretrain.GaussianBlur',
        magnitude_range=(0.1, 2.0),
        magnitude_std='inf',
        prob=0.5,
    ),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
]
moco_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='cupre_mm.RandomCellCrop', size=320),
    dict(type='mmpretrain.MultiView', num_views=2, transforms=[view_pipeline]),
    dict(type='mmpretrain.PackInputs', meta_keys=('img_path', 'source')),
]
det_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, 640), (1333, 800)],
        keep_ratio=True,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]

train_dataloader = dict(
    type='cupre_mm.DualDataLoader',
    moco=dict(
        batch_size=32,
        num_workers=4,
        persistent_workers=True,
        drop_last=True,
        # Between shares by size, where 79 images of s_bsst265 would vanish,
        # and equal ones, where each of them would come dozens of times as
        # often as one of LIVECell. Counted in crops of RandomCellCrop.
        sampler=dict(
            type='cupre_mm.SourceSampler',
            temperature=2.0,
            crop_size=320,
            max_repeat=10.0,
        ),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='cupre_mm.CellImages',
            data_root=data_root,
            sources=[
                _base_.cell_catalogue.livecell,
                _base_.cell_catalogue.evican,
                _base_.cell_catalogue.cellpose,
                _base_.cell_catalogue.omnipose,
                _base_.cell_catalogue.yeaz,
                _base_.cell_catalogue.bccd,
                _base_.cell_catalogue.nuinsseg,
                _base_.cell_catalogue.s_bsst265,
                _base_.cell_catalogue.bbbc006,
            ],
            pipeline=moco_pipeline,
        ),
    ),
    det=dict(
        batch_size=2,
        num_workers=2,
        persistent_workers=True,
        sampler=dict(type='InfiniteSampler'),
        dataset=dict(
            type='cupre_mm.CheckedCocoDataset',
            data_root=data_root + 'coco/',
            ann_file='annotations/instances_train2017.json',
            data_prefix=dict(img='train2017/'),
            filter_cfg=dict(filter_empty_gt=True, min_size=32),
            how_to_get='See "COCO 2017" in data/README.md.',
            pipeline=det_pipeline,
        ),
    ),
)
