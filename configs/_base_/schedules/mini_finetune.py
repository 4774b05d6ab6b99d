# Fine-tuning in minutes, the same for every arm; our choice.
train_cfg = dict(type='cupre_mm.ResumableTrainLoop', max_iters=200)
val_cfg = None
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    # SGD at a rate that moves the heads in so few steps makes them diverge.
    optimizer=dict(type='AdamW', lr=0.0003, weight_decay=0.05),
    clip_grad=dict(max_norm=10, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=200,
        milestones=[150],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=4)
