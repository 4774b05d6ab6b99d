# Pre-training in minutes; every value is our choice.
train_cfg = dict(
    type='cupre_mm.AMT2TrainLoop', max_iters=180, schedule=('moco', 'det')
)
# For --launcher pytorch: the tasks leave each other's parameters without
# gradients.
find_unused_parameters = True
optim_wrapper = dict(
    type='OptimWrapper',
    # SGD at a rate that moves the heads in so few steps makes them diverge.
    optimizer=dict(type='AdamW', lr=0.0003, weight_decay=0.05),
    clip_grad=dict(max_norm=10, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50)
]
auto_scale_lr = dict(enable=False, base_batch_size=4)
