# Fine-tuning in minutes, the same for every arm; our choice.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=180)
val_cfg = None
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=180,
        milestones=[140],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)
