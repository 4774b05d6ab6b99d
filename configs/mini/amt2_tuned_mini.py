# The AMT2 of the few-shot benchmark so far: an optimizer a task, small sources
# drawn more often, and views that differ more, for bright cells on dark ground
# and dark ones on bright ground are to look alike. Tried on images held out of
# BBBC038's training part, where it is level with COCO: docs/benchmarks.md.
_base_ = './amt2_mini.py'

crop, jitter, gray, *others = _base_.view_pipeline
gray.prob = 0.5
load, normalise, cut, views, pack = _base_.moco_pipeline
views.transforms = [
    [crop, jitter, gray, dict(type='mmpretrain.Invert', prob=0.5), *others]
]
train_dataloader = dict(
    moco=dict(
        sampler=dict(temperature=3.0),
        dataset=dict(pipeline=[load, normalise, cut, views, pack]),
    )
)
optim_wrapper = dict(
    _delete_=True,
    constructor='cupre_mm.TaskOptimWrapperConstructor',
    moco=_base_.optim_wrapper,
    det=_base_.optim_wrapper,
)
del crop, jitter, gray, others, load, normalise, cut, views, pack
