# An optimizer a task: shared weights, separate averages of gradients.
_base_ = '../../mini/amt2_mini.py'

optim_wrapper = dict(
    _delete_=True,
    constructor='cupre_mm.TaskOptimWrapperConstructor',
    moco=_base_.optim_wrapper,
    det=_base_.optim_wrapper,
)
