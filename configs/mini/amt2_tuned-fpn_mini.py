# Contrast of the FPN's levels in place of the last stage, with larger crops, a
# short queue and no inverted views. It is level with amt2_tuned_mini.py on
# images held out of BBBC038's training part, and keeps so with that data set's
# own images among the unlabelled ones: docs/benchmarks.md.
_base_ = './amt2_tuned_mini.py'

load, normalise, cut, views, pack = _base_.moco_pipeline
cut.size = 240
crop, jitter, gray, invert, *others = views.transforms[0]
views.transforms = [[crop, jitter, gray, *others]]
model = dict(
    contrast_on=('backbone', 'neck'),
    moco=dict(
        momentum=0.05,
        queue=dict(length=256),
        loss=dict(temperature=0.1),
        neck=dict(
            stages=(0, 1, 2, 3),
            projector=dict(in_channels=4 * _base_.model.neck.out_channels),
        ),
    ),
)
train_dataloader = dict(
    moco=dict(dataset=dict(pipeline=[load, normalise, cut, views, pack]))
)
del crop, jitter, gray, invert, others, load, normalise, cut, views, pack
