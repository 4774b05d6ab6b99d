# Dense contrast: DenseCL in place of MoCo. Half of the loss compares places
# of two views, with a queue of their own.
_base_ = '../../mini/amt2_mini.py'

projector = _base_.model.moco.neck.projector
model = dict(
    moco=dict(
        type='cupre_mm.DenseCLBranch',
        dense_weight=0.5,
        neck=dict(
            _delete_=True,
            type='mmpretrain.DenseCLNeck',
            in_channels=projector.in_channels,
            hid_channels=projector.hid_channels,
            out_channels=projector.out_channels,
        ),
    )
)
