# BBBC038 at full size, as in the CUPre paper: a ResNet-50, all unlabelled
# sources, from mmdet's COCO checkpoint. For GPUs. Budgets are our choice.
finetune = 'configs/finetune/bbbc038/'
benchmark = dict(
    title='BBBC038',
    data=dict(
        folder='bbbc038',
        splits='annotations/benchmark/seed{seed}',
        test='annotations/benchmark/seed0/test.json',
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
            + 'scratch_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py'
        ),
        coco=dict(
            title='COCO',
            config=finetune
            + 'coco_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py',
            start='coco',
        ),
        coco_longer=dict(
            title='COCO longer',
            config=finetune
            + 'coco_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py',
            start='coco_longer',
            control='amt2',
        ),
        moco=dict(
            title='MoCo',
            config=finetune
            + 'moco_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py',
            start='moco',
        ),
        amt2=dict(
            title='AMT2',
            config=finetune
            + 'amt2_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py',
            start='amt2',
        ),
    ),
    fractions=(5, 10, 20, 50, 100),
    seeds=(0, 1, 2),
    # The training configs validate on the test part, to watch a run.
    options=dict(val_cfg=None, val_dataloader=None, val_evaluator=None),
    checkpoint_interval=1000,
    baseline='coco',
    # arXiv 2310.03981; what else it reports is not known here.
    paper=dict(coco={'5': dict(bbox=43.7)}, amt2={'5': dict(bbox=53.8)}),
)
