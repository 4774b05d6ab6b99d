# The arms of the paper and a control, each by what it starts from, at full
# size. Budgets are our choice.
benchmark = dict(
    pretraining=dict(
        coco=dict(
            config='configs/pretrain/coco_cascade-mask-rcnn_r50_fpn_90k.py'
        ),
        # As many optimizer steps as AMT2, whose pairs are two.
        coco_longer=dict(
            config='configs/pretrain/coco_cascade-mask-rcnn_r50_fpn_90k.py',
            iterations=180000,
        ),
        amt2=dict(config='configs/amt2.py'),
        moco=dict(
            config='configs/pretrain/moco_cascade-mask-rcnn_r50_fpn_90k.py'
        ),
    ),
    arms=dict(
        scratch=dict(),
        coco=dict(title='COCO', start='coco'),
        coco_longer=dict(
            title='COCO longer', start='coco_longer', control='amt2'
        ),
        moco=dict(title='MoCo', start='moco'),
        amt2=dict(title='AMT2', start='amt2'),
    ),
    fractions=(5, 10, 20, 50, 100),
    seeds=(0, 1, 2),
    checkpoint_interval=1000,
    baseline='coco',
)
