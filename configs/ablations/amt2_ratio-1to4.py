# One contrastive step to four detection steps. A quarter of the iterations,
# so that there are as many detection steps as AMT2 takes; learning rates
# follow the same curve over them.
_base_ = '../amt2.py'

train_cfg = dict(
    max_iters=_base_.train_cfg.max_iters // 4,
    schedule=('moco', 'det', 'det', 'det', 'det'),
)
param_scheduler = [
    dict(
        one,
        **{
            name: one[name] // 4
            for name in ('begin', 'end', 'T_max')
            if name in one
        },
    )
    for one in _base_.param_scheduler
]
