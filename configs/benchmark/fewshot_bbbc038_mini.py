# BBBC038 in hours on two CPU cores: a ResNet-18 at 256 px, COCO mini, four
# unlabelled sources. Every number is our choice.
#
# External: no image of BBBC038 in the pre-training. In-domain: its training
# images, without labels, join the unlabelled ones; never those of the test.
# AMT2 is in each the better of the recipes tried on images held out of the
# training part, as fewshot_ablations_mini.py does it.
benchmark = dict(
    title='BBBC038, mini scale',
    data=dict(
        folder='bbbc038',
        splits='annotations/benchmark/seed{seed}',
        test='annotations/benchmark/seed0/test.json',
        pools=[dict(file='cells/bbbc038_train.txt', split='train_100')],
        generate=('make_mini_data.py', '{data}'),
    ),
    pretraining=dict(
        warmup=dict(config='configs/mini/warmup_mini.py', iterations=500),
        coco=dict(
            config='configs/mini/coco_mini.py', start='warmup', iterations=350
        ),
        # As many optimizer steps as AMT2, whose pairs are two.
        coco_longer=dict(
            config='configs/mini/coco_mini.py', start='warmup', iterations=700
        ),
        amt2=dict(
            config='configs/mini/amt2_tuned_mini.py',
            start='warmup',
            iterations=350,
        ),
        moco=dict(config='configs/mini/moco_tuned_mini.py', iterations=350),
        amt2_in_domain=dict(
            config='configs/mini/amt2_tuned-fpn_in-domain_mini.py',
            start='warmup',
            iterations=350,
        ),
        moco_in_domain=dict(
            config='configs/mini/moco_tuned_in-domain_mini.py', iterations=350
        ),
    ),
    arms=dict(
        scratch=dict(
            title='scratch', config='configs/mini/finetune_scratch_mini.py'
        ),
        coco=dict(
            title='COCO',
            config='configs/mini/finetune_coco_mini.py',
            start='coco',
        ),
        coco_longer=dict(
            title='COCO longer',
            config='configs/mini/finetune_coco_mini.py',
            start='coco_longer',
            control='amt2',
        ),
        moco=dict(
            title='MoCo',
            setting='external',
            config='configs/mini/finetune_moco_mini.py',
            start='moco',
        ),
        amt2=dict(
            title='AMT2',
            setting='external',
            config='configs/mini/finetune_amt2_mini.py',
            start='amt2',
        ),
        moco_in_domain=dict(
            title='MoCo, in-domain',
            setting='in-domain',
            config='configs/mini/finetune_moco_mini.py',
            start='moco_in_domain',
        ),
        amt2_in_domain=dict(
            title='AMT2, in-domain',
            setting='in-domain',
            config='configs/mini/finetune_amt2_mini.py',
            start='amt2_in_domain',
        ),
    ),
    fractions=(5, 10, 20, 100),
    seeds={'5': (0, 1, 2), '10': (0,), '20': (0,), '100': (0,)},
    iterations=300,
    amp='bfloat16',
    checkpoint_interval=50,
    baseline='coco',
    # arXiv 2310.03981, at its full size: another model and other data.
    paper=dict(coco={'5': dict(bbox=43.7)}, amt2={'5': dict(bbox=53.8)}),
)
