# 90,000 pairs on 8 processes; every value is our choice.
train_cfg = dict(
    type='cupre_mm.AMT2TrainLoop',
    max_iters=90000,
    schedule=('moco', 'det'),
    warmup_iters=0,
)
# The tasks leave each other's parameters without gradients, which a
# distributed wrapper has to expect.
find_unused_parameters = True
sync_bn = 'torch'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=1000,
        end=90000,
        T_max=89000,
        eta_min=0.0002,
    ),
]
# Detection images of one step: 8 processes of 2.
auto_scale_lr = dict(enable=False, base_batch_size=16)
