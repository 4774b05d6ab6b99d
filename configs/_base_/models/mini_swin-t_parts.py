# Swin-T of half the width and fewer blocks.
swin_backbone = dict(
    type='SwinTransformer',
    embed_dims=48,
    depths=[2, 2, 2, 2],
    num_heads=[3, 6, 12, 24],
    window_size=7,
    drop_path_rate=0.1,
    patch_norm=True,
    convert_weights=False,
    init_cfg=None,
)
swin_channels = [48, 96, 192, 384]
