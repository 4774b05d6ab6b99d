# An optimizer a task: shared weights, separate momentum.
_base_ = '../amt2.py'

optim_wrapper = dict(
    _delete_=True,
    constructor='cupre_mm.TaskOptimWrapperConstructor',
    moco=_base_.optim_wrapper,
    det=_base_.optim_wrapper,
)
