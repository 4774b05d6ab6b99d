# AMT2 as the few-shot benchmark runs it, chosen on images held out of
# BBBC038's training part: an optimizer a task, small sources drawn more often,
# and views that differ more, for bright cells on dark ground and dark ones on
# bright ground are to look alike.
_base_ = './amt2_mini.py'

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
        prob=0.5,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type='mmpretrain.Invert', prob=0.5),
    dict(
        type='mmpretrain.GaussianBlur',
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
train_dataloader = dict(
    moco=dict(
        sampler=dict(temperature=3.0), dataset=dict(pipeline=moco_pipeline)
    )
)
optim_wrapper = dict(
    _delete_=True,
    constructor='cupre_mm.TaskOptimWrapperConstructor',
    moco=_base_.optim_wrapper,
    det=_base_.optim_wrapper,
)
