# The dual loader at mini scale: a small COCO subset at 256 px, four
# unlabelled sources at 96 px. Every value is our choice.
_base_ = './coco_and_cells.py'

data_root = '{{$CUPRE_DATA:data}}/'

view_pipeline = [
    dict(
        type='mmpretrain.RandomResizedCrop',
        scale=96,
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
        # Half of the usual 2.0 px, as views are half as large.
        magnitude_range=(0.1, 1.0),
        magnitude_std='inf',
        prob=0.5,
    ),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
]
moco_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='cupre_mm.RandomCellCrop', size=160),
    dict(type='mmpretrain.MultiView', num_views=2, transforms=[view_pipeline]),
    dict(type='mmpretrain.PackInputs', meta_keys=('img_path', 'source')),
]
det_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomResize',
        scale=(320, 320),
        ratio_range=(0.8, 1.5),
        keep_ratio=True,
    ),
    dict(
        type='RandomCrop',
        crop_size=(256, 256),
        crop_type='absolute',
        allow_negative_crop=False,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
external_sources = [
    _base_.cell_catalogue.bccd,
    _base_.cell_catalogue.wbc1,
    _base_.cell_catalogue.wbc2,
    _base_.cell_catalogue.sbs_transfluor,
]
# With BBBC038's own training images, as a user's own would be; the test part
# never. tools/walkthrough.py mini --in-domain writes the list.
in_domain_sources = [
    *external_sources,
    dict(name='bbbc038', paths='cells/bbbc038_train.txt'),
]
train_dataloader = dict(
    moco=dict(
        batch_size=32,
        num_workers=1,
        # In proportion to the images, unlike the full size: the published
        # figures of the mini runs were made so, and no source is rare.
        sampler=dict(temperature=1.0, crop_size=None, max_repeat=None),
        dataset=dict(
            sources=external_sources,
            pipeline=moco_pipeline,
        ),
    ),
    det=dict(
        batch_size=4,
        num_workers=1,
        dataset=dict(
            data_root=data_root + 'coco_mini/',
            ann_file='annotations/instances_train.json',
            data_prefix=dict(img='images/'),
            how_to_get='See "COCO mini" in data/README.md.',
            pipeline=det_pipeline,
        ),
    ),
)
