# What each choice in AMT2 is worth at 5 % of the labels, at mini scale. A
# stage and an arm for each of configs/ablations/mini; all see as many
# detection images. The number of pairs divides by four for the ratio 1:4.
#
# Choices are made here, so that the test part of fewshot_bbbc038_mini.py,
# which makes the splits that this needs, stays out of it: a fifth of the
# training part is held out, and 5 % of the rest are the labels.
_base_ = './fewshot_bbbc038_mini.py'

mini, ablations = 'configs/mini/', 'configs/ablations/mini/'
pairs = 352
warmup = 500

# Changes of the pre-training alone: title by the name of the file. Without
# separate-bn: its weights are those of the base to the bit.
changes = {
    'order-swapped': 'detection first',
    'ratio-2to1': 'moco:det 2:1',
    'ratio-1to4': 'moco:det 1:4',
    'summed-loss': 'summed loss',
    'no-warmup': 'no warm-up',
    'simsiam': 'no momentum encoder (SimSiam)',
    'densecl': 'dense contrast (DenseCL)',
    'fpn-projector': 'projector on the FPN',
    'moco-v1-head': 'MoCo v1 head',
    'queue-64': 'queue of 64',
    'queue-256': 'queue of 256',
    'frozen-bn': 'BN frozen',
    'separate-bn-affine': 'BN per task, weights too',
    'two-optimizers': 'two optimizers',
    'moco-lr-30pct': 'moco lr x 0.3',
    'moco-lr-10pct': 'moco lr x 0.1',
    'one-source': 'one source (queue of 64)',
}
iterations = {'ratio-1to4': pairs // 4, 'no-warmup': warmup + pairs}
# Recipes of the benchmark, and with the data set's own images.
tuned = {
    'tuned': 'tuned',
    'tuned_in-domain': 'tuned, in-domain',
    'tuned-fpn': 'tuned, on the FPN',
    'tuned-fpn_in-domain': 'tuned, on the FPN, in-domain',
}
pool = 'cells/bbbc038_tuning.txt'
# Other detectors and backbones, with a warm-up, a baseline without contrast
# and a fine-tuning of their own.
models = {
    'mask-rcnn': 'Mask R-CNN',
    'rtmdet-ins': 'RTMDet-Ins',
    'swin-t': 'Swin',
    'convnext-t': 'ConvNeXt',
}

stages = dict(
    warmup=dict(config=mini + 'warmup_mini.py', iterations=warmup),
    coco=dict(config=mini + 'coco_mini.py', start='warmup', iterations=pairs),
    amt2=dict(config=mini + 'amt2_mini.py', start='warmup', iterations=pairs),
)
arms = dict(
    coco=dict(
        title='COCO', config=mini + 'finetune_coco_mini.py', start='coco'
    ),
    amt2=dict(
        title='AMT2', config=mini + 'finetune_amt2_mini.py', start='amt2'
    ),
)
for name, title in tuned.items():
    stages[name] = dict(
        config=f'{mini}amt2_{name}_mini.py', start='warmup', iterations=pairs
    )
    arms[name] = dict(
        title=title, config=mini + 'finetune_amt2_mini.py', start=name
    )
    if name.endswith('in-domain'):
        # The pool of the benchmark has the images that are held out here.
        stages[name]['options'] = {
            'train_dataloader.moco.dataset.sources.4.paths': pool
        }
for name, title in changes.items():
    stages[name] = dict(
        config=f'{ablations}amt2_{name}_mini.py',
        start=None if name == 'no-warmup' else 'warmup',
        iterations=iterations.get(name, pairs),
    )
    arms[name] = dict(
        title=title, config=mini + 'finetune_amt2_mini.py', start=name
    )
for name, title in models.items():
    stages[f'warmup_{name}'] = dict(
        config=f'{ablations}warmup_{name}_mini.py', iterations=warmup
    )
    for stage, of_stage in (
        (f'coco_{name}', f'{title}, COCO'),
        (name, f'{title}, AMT2'),
    ):
        stages[stage] = dict(
            config=f'{ablations}amt2_{name}_mini.py',
            start=f'warmup_{name}',
            iterations=pairs,
        )
        arms[stage] = dict(
            title=of_stage,
            config=f'{ablations}finetune_{name}_mini.py',
            start=stage,
            differs=('model',),
        )
    stages[f'coco_{name}']['options'] = {
        'train_cfg.schedule': ('det',),
        'train_dataloader.moco': None,
    }
del name, title, stage, of_stage

benchmark = dict(
    title='Ablations on BBBC038, mini scale',
    data=dict(
        annotations='annotations/benchmark/seed0/train_100.json',
        splits='annotations/tuning/seed{seed}',
        test='annotations/tuning/seed0/test.json',
        pools=[dict(file=pool, split='train_100')],
        generate=(
            'benchmark.py',
            '{configs}/benchmark/fewshot_bbbc038_mini.py',
            '--data',
            '{data}',
            '--prepare',
        ),
    ),
    pretraining=dict(_delete_=True, **stages),
    arms=dict(_delete_=True, **arms),
    fractions=(5,),
    seeds=(0, 1, 2),
    baseline='amt2',
    controls=('coco',),
)
del stages, arms
