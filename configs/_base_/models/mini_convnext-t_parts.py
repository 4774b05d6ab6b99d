# ConvNeXt-T of half the width and fewer blocks.
convnext_backbone = dict(
    type='mmpretrain.ConvNeXt',
    arch=dict(depths=[2, 2, 4, 2], channels=[48, 96, 192, 384]),
    out_indices=[0, 1, 2, 3],
    drop_path_rate=0.1,
    layer_scale_init_value=1.0,
    gap_before_final_norm=False,
)
convnext_channels = [48, 96, 192, 384]
