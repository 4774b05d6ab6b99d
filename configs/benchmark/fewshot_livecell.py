# LIVECell at full size, as in the CUPre paper: a ResNet-50, all unlabelled
# sources, from mmdet's COCO checkpoint. For GPUs. Budgets are our choice.
# LIVECell's validation part is watched; no weights are chosen by it.
finetune = 'configs/finetune/livecell/'
benchmark = dict(
    title='LIVECell',
    data=dict(
        folder='livecell',
        splits='annotations/benchmark/seed{seed}',
        # LIVECell's own test part.
        test='annotations/livecell_coco_test.json',
        annotations='annotations/livecell_coco_train.json',
        test_fraction=0.0,
        split_options=('--stratify', 'cell_type'),
    ),
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
        scratch=dict(
            config=finetune
            + 'scratch_cascade-mask-rcnn_r50_fpn_100pct_livecell.py'
        ),
        coco=dict(
            title='COCO',
            config=finetune
            + 'coco_cascade-mask-rcnn_r50_fpn_100pct_livecell.py',
            start='coco',
        ),
        coco_longer=dict(
            title='COCO longer',
            config=finetune
            + 'coco_cascade-mask-rcnn_r50_fpn_100pct_livecell.py',
            start='coco_longer',
            control='amt2',
        ),
        moco=dict(
            title='MoCo',
            config=finetune
            + 'moco_cascade-mask-rcnn_r50_fpn_100pct_livecell.py',
            start='moco',
        ),
        amt2=dict(
            title='AMT2',
            config=finetune
            + 'amt2_cascade-mask-rcnn_r50_fpn_100pct_livecell.py',
            start='amt2',
        ),
    ),
    fractions=(5, 10, 20, 50, 100),
    seeds=(0, 1, 2),
    checkpoint_interval=1000,
    baseline='coco',
    # arXiv 2310.03981; what else it reports is not known here.
    paper=dict(
        coco={'5': dict(bbox=40.0)},
        moco={'5': dict(bbox=8.3)},
        amt2={'5': dict(bbox=41.5)},
    ),
)
