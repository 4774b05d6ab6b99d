# ConvNeXt-T, and how it is trained.
convnext_backbone = dict(
    type='mmpretrain.ConvNeXt',
    arch='tiny',
    out_indices=[0, 1, 2, 3],
    drop_path_rate=0.4,
    layer_scale_init_value=1.0,
    gap_before_final_norm=False,
)
convnext_channels = [96, 192, 384, 768]
# AdamW, as in mmdet's ConvNeXt detectors.
convnext_optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.0002, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys={'gamma': dict(decay_mult=0.0)},
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
