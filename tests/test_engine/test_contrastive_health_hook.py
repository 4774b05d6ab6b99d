import json
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from cupre_mm.engine.hooks import ContrastiveHealthHook
from cupre_mm.utils.errors import BadConfigError
from tests.invalid_loss_runs import toy_run
from tests.tiny_amt2 import (
    KEY_DIM,
    QUEUE_LENGTH,
    log_of,
    run_config,
    train,
    without_queue,
)

FIGURES = ('feat_std', 'acc_top1', 'pos_sim', 'neg_sim')


@pytest.fixture
def run(demo_data, tmp_path):
    def train_with(
        hook: ContrastiveHealthHook,
        collapsed: bool,
        iterations: int = 4,
        task: str = 'moco',
    ) -> Runner:
        config = run_config(
            demo_data,
            tmp_path,
            {
                'train_cfg.max_iters': iterations,
                'train_cfg.schedule': (task,),
                'optim_wrapper.optimizer.lr': 1e-4,
            },
        )
        other = 'det' if task == 'moco' else 'moco'
        config.train_dataloader[other] = None
        runner = Runner.from_cfg(config)
        if collapsed:
            with torch.no_grad():
                # One vector for every image, as after a collapse.
                last = runner.model.moco.neck.projector.mlp[-1]
                last.weight.zero_()
                last.bias.fill_(1.0)
        runner.register_hook(hook)
        runner.train()
        return runner

    return train_with


def warnings_of(runner: Runner) -> list[str]:
    lines = log_of(runner).splitlines()
    return [
        line for line in lines if 'WARNING' in line and 'contrastive' in line
    ]


def test_collapsed_model_is_told_once_in_a_while(run):
    hook = ContrastiveHealthHook(interval=1, warn_interval=3)
    runner = run(hook, collapsed=True, iterations=6)
    told = warnings_of(runner)
    assert len(told) == 2
    for line in told:
        assert 'has collapsed' in line
        assert 'learning rate' in line
    # Before any step the one vector meets random keys.
    assert 'pos_sim 1.000' in told[0]


def test_healthy_model_is_left_alone(run):
    # At random weights a few queries are recognised among 12 keys.
    runner = run(ContrastiveHealthHook(interval=4), collapsed=False)
    assert warnings_of(runner) == []
    record = json.loads(
        next(Path(runner.work_dir).glob('*/vis_data/scalars.json'))
        .read_text()
        .splitlines()[0]
    )
    assert {f'moco/{name}' for name in FIGURES} <= set(record)
    assert 0.1 < record['moco/feat_std'] * KEY_DIM**0.5 < 1.1


@pytest.mark.parametrize(
    ('accuracy', 'iteration', 'number'),
    [(8.0, 11, 1), (8.0, 10, 0), (50.0, 11, 0), (float('nan'), 11, 0)],
    ids=['chance', 'warm-up', 'better', 'skipped_steps'],
)
def test_chance_counts_after_the_warm_up(run, accuracy, iteration, number):
    hook = ContrastiveHealthHook(interval=1, warmup_iters=10)
    runner = run(hook, collapsed=False, iterations=1)
    chance = 100 / (QUEUE_LENGTH + 1)
    assert chance < 8.0 < 2 * chance
    figures = dict(feat_std=0.25, acc_top1=accuracy, pos_sim=0.5, neg_sim=0.4)
    runner.train_loop._iter = iteration - 1
    hook.after_train_iter(
        runner,
        batch_idx=0,
        outputs={f'moco/{name}': v for name, v in figures.items()},
    )
    told = [line for line in warnings_of(runner) if 'at chance' in line]
    assert len(told) == number


def test_interval_is_averaged(run):
    hook = ContrastiveHealthHook(interval=2)
    runner = run(hook, collapsed=False, iterations=1)
    for iteration, spread in enumerate([0.0, 0.2]):
        runner.train_loop._iter = iteration
        figures = dict(
            feat_std=spread, acc_top1=90.0, pos_sim=0.5, neg_sim=0.4
        )
        hook.after_train_iter(
            runner,
            batch_idx=0,
            outputs={f'moco/{name}': v for name, v in figures.items()},
        )
    assert warnings_of(runner) == []


def test_one_image_a_batch_has_no_spread_to_judge(demo_data, tmp_path):
    config = run_config(
        demo_data,
        tmp_path,
        {
            'train_dataloader.moco.batch_size': 1,
            'model.backbone.norm_eval': True,
        },
    )
    runner, recorder = train(config, ContrastiveHealthHook(interval=1))
    assert recorder.outputs[-1]['moco/feat_std'] == 0
    assert warnings_of(runner) == []


def test_runs_without_contrast_are_left_alone(run, tmp_path):
    hook = ContrastiveHealthHook(interval=1, warmup_iters=0)
    assert warnings_of(run(hook, collapsed=True, task='det')) == []
    toy_run(tmp_path / 'toy', [hook]).train()


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('interval', 0),
        ('warmup_iters', -1),
        ('warn_interval', 1.5),
        ('min_std', 0),
        ('min_std', 1.2),
    ],
)
def test_values_that_cannot_be_used_are_refused(name, value):
    with pytest.raises(BadConfigError, match=name):
        ContrastiveHealthHook(**{name: value})


@pytest.mark.parametrize('collapsed', [True, False])
def test_method_without_negatives_can_only_collapse(
    demo_data, tmp_path, collapsed
):
    config = run_config(
        demo_data,
        tmp_path,
        {
            'train_cfg.max_iters': 2,
            'train_cfg.schedule': ('moco',),
            'train_dataloader.det': None,
            'optim_wrapper.optimizer.lr': 1e-4,
        },
    )
    config.model.moco = without_queue()
    runner = Runner.from_cfg(config)
    if collapsed:
        # One vector for every image.
        runner.model.moco.neck.projector.bn2.register_forward_hook(
            lambda layer, inputs, output: 0 * output + 1
        )
    runner.register_hook(ContrastiveHealthHook(interval=1, warmup_iters=0))
    runner.train()
    told = warnings_of(runner)
    assert len(told) == collapsed
    for line in told:
        assert 'has collapsed' in line
        assert 'feat_std' in line
        assert 'acc_top1' not in line
