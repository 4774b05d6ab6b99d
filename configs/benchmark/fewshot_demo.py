# Generated data, to try the benchmark out in minutes. Its figures say
# nothing about real cells.
benchmark = dict(
    title='Demo data',
    data=dict(
        folder='demo/cells_labelled',
        splits='annotations/benchmark/seed{seed}',
        test='annotations/benchmark/seed0/test.json',
        generate=('make_demo_data.py', '{data}/demo'),
    ),
    pretraining=dict(
        warmup=dict(config='configs/demo/warmup_demo.py', iterations=60),
        coco=dict(
            config='configs/demo/warmup_demo.py', start='warmup', iterations=40
        ),
        amt2=dict(
            config='configs/demo/amt2_demo.py', start='warmup', iterations=40
        ),
    ),
    arms=dict(
        scratch=dict(config='configs/demo/finetune_scratch_demo.py'),
        coco=dict(
            title='detection',
            config='configs/demo/finetune_amt2_demo.py',
            start='coco',
        ),
        amt2=dict(
            title='AMT2',
            config='configs/demo/finetune_amt2_demo.py',
            start='amt2',
        ),
    ),
    fractions=(20, 100),
    seeds=(0,),
    iterations=60,
    amp='bfloat16',
    checkpoint_interval=20,
    baseline='coco',
)
