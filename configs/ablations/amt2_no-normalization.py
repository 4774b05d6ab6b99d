# Cell images by mmdet's own loader: no percentile normalisation, and 16 bit
# cut to 8. Fine-tune from it with finetune_no-normalization_bbbc038_5pct.py.
_base_ = '../amt2.py'

moco_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='cupre_mm.RandomCellCrop', size=320),
    dict(
        type='mmpretrain.MultiView',
        num_views=2,
        transforms=[_base_.view_pipeline],
    ),
    dict(type='mmpretrain.PackInputs', meta_keys=('img_path', 'source')),
]
train_dataloader = dict(moco=dict(dataset=dict(pipeline=moco_pipeline)))
