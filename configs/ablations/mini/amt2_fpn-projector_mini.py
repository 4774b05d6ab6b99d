# The projector on the FPN's levels P2 to P5 in place of the backbone's last
# stage: contrast also trains the FPN, and all stages directly.
_base_ = '../../mini/amt2_mini.py'

model = dict(
    contrast_on=('backbone', 'neck'),
    moco=dict(
        neck=dict(
            stages=(0, 1, 2, 3),
            projector=dict(in_channels=4 * _base_.model.neck.out_channels),
        )
    ),
)
