# An optimizer a task: shared weights, separate momentum.
_base_ = '../amt2.py'

sgd = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
optim_wrapper = dict(
    _delete_=True,
    constructor='cupre_mm.TaskOptimWrapperConstructor',
    moco=sgd,
    det=sgd,
)
