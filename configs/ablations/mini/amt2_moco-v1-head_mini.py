# The linear projection of MoCo v1.
_base_ = '../../mini/amt2_mini.py'

projector = _base_.model.moco.neck.projector
model = dict(
    moco=dict(
        neck=dict(
            projector=dict(
                _delete_=True,
                type='mmpretrain.LinearNeck',
                in_channels=projector.in_channels,
                out_channels=projector.out_channels,
                gap_dim=2,
                norm_cfg=None,
            )
        )
    )
)
