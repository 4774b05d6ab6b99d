# A tenth of the learning rate for contrast, in an optimizer of its own:
# compare with amt2_two-optimizers.py. A weight of the loss would not do it:
# the tasks share momentum, and gradients are clipped to a norm.
_base_ = './amt2_two-optimizers.py'

optim_wrapper = dict(
    moco=dict(optimizer=dict(lr=0.1 * _base_.optim_wrapper.moco.optimizer.lr))
)
# As the base's, whose last rate is a number and would be the same for both.
param_scheduler = [
    _base_.param_scheduler[0],
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=1000,
        end=90000,
        T_max=89000,
        eta_min_ratio=0.01,
    ),
]
