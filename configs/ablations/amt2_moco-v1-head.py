# The linear projection of MoCo v1.
_base_ = '../amt2.py'

model = dict(
    moco=dict(
        neck=dict(
            projector=dict(
                _delete_=True,
                type='mmpretrain.LinearNeck',
                in_channels=2048,
                out_channels=128,
                gap_dim=2,
                norm_cfg=None,
            )
        )
    )
)
