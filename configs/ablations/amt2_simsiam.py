# No momentum encoder, no queue, no negatives: SimSiam in place of MoCo, with
# its three layers of projection and a predictor of a quarter of their width.
# As wide as the backbone's last stage; norm layers are synchronised between
# processes by sync_bn.
_base_ = '../amt2.py'

width = _base_.model.moco.neck.projector.in_channels
model = dict(
    moco=dict(
        _delete_=True,
        type='cupre_mm.SimSiamBranch',
        neck=dict(
            type='cupre_mm.MoCoNeck',
            stages=(-1,),
            projector=dict(
                type='mmpretrain.NonLinearNeck',
                in_channels=width,
                hid_channels=width,
                out_channels=width,
                num_layers=3,
                with_last_bn_affine=False,
                norm_cfg=dict(type='BN1d'),
            ),
        ),
        head=dict(
            type='mmpretrain.LatentPredictHead',
            loss=dict(type='mmpretrain.CosineSimilarityLoss'),
            predictor=dict(
                type='mmpretrain.NonLinearNeck',
                in_channels=width,
                hid_channels=width // 4,
                out_channels=width,
                with_avg_pool=False,
                with_last_bn=False,
                with_last_bias=True,
                norm_cfg=dict(type='BN1d'),
            ),
        ),
    )
)
