import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from cupre_mm.models import AMT2CascadeRCNN
from tests.tiny_amt2 import (
    SGD,
    TWO_SGD,
    BatchRecorder,
    log_of,
    run_config,
    train,
)

WRAPPERS = pytest.mark.parametrize(
    'wrapper', [SGD, TWO_SGD], ids=['one', 'per_task']
)
DIAGNOSTICS = ('acc_top1', 'acc_top5', 'pos_sim', 'neg_sim', 'queue_fill')
SECONDS = ('moco/time', 'det/time', 'moco/data_time', 'det/data_time')


@pytest.fixture
def run(
    demo_data: Path, tmp_path: Path
) -> Callable[..., tuple[Runner, BatchRecorder]]:
    """Train the tiny model with some config values changed."""

    def train_with(
        options: dict[str, Any] | None = None,
        folder: str = 'work',
        hooks: Sequence[Hook] = (),
    ) -> tuple[Runner, BatchRecorder]:
        options = dict(options or {})
        # Merging would keep the entries of the wrapper that is replaced.
        wrapper = options.pop('optim_wrapper', None)
        config = run_config(demo_data, tmp_path / folder, options)
        if wrapper is not None:
            config.optim_wrapper = wrapper
        return train(config, *hooks)

    return train_with


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Task and optimizer wrapper of every train step, in order."""
    taken: list[tuple[str, Any]] = []
    original = AMT2CascadeRCNN.train_step

    def recorded(
        self: AMT2CascadeRCNN, data: dict, optim_wrapper: Any
    ) -> dict:
        taken.append((data['task'], optim_wrapper))
        return original(self, data, optim_wrapper)

    monkeypatch.setattr(AMT2CascadeRCNN, 'train_step', recorded)
    return taken


@pytest.mark.parametrize(
    ('schedule', 'expected'),
    [
        (('moco', 'det'), ['moco', 'det'] * 2),
        (('det', 'moco'), ['det', 'moco'] * 2),
        (('moco', 'moco', 'det'), ['moco', 'moco', 'det'] * 2),
        (('moco+det',), ['moco+det'] * 2),
        (('det', 'moco+det'), ['det', 'moco+det'] * 2),
        (('moco',), ['moco'] * 2),
        (('det',), ['det'] * 2),
    ],
)
def test_follows_the_schedule(run, steps, schedule, expected):
    runner, recorder = run({'train_cfg.schedule': schedule})
    assert [task for task, _ in steps] == expected
    assert {wrapper for _, wrapper in steps} == {runner.optim_wrapper}
    tasks = {task for step in schedule for task in step.split('+')}
    for outputs in recorder.outputs:
        logged = {name.split('/')[0] for name in outputs if '/' in name}
        assert logged - {'moco+det'} == tasks
        assert outputs['loss'] > 0


def test_warm_up_iterations_come_first(run, steps):
    run({'train_cfg.warmup_iters': 2, 'train_cfg.max_iters': 3})
    assert [task for task, _ in steps] == ['det', 'det', 'moco', 'det']


def test_each_task_takes_its_own_optimizer(run, steps):
    runner, _ = run({'optim_wrapper': TWO_SGD})
    wrappers = dict(runner.optim_wrapper.items())
    assert [task for task, _ in steps] == ['moco', 'det'] * 2
    assert all(wrapper is wrappers[task] for task, wrapper in steps)


def test_repeated_steps_take_batches_of_their_own(run, monkeypatch):
    seen: list[torch.Tensor] = []
    original = AMT2CascadeRCNN.train_step

    def recorded(self: Any, data: dict, optim_wrapper: Any) -> dict:
        if data['task'] == 'moco':
            seen.append(data['inputs'][0])
        return original(self, data, optim_wrapper)

    monkeypatch.setattr(AMT2CascadeRCNN, 'train_step', recorded)
    run({'train_cfg.schedule': ('moco', 'det', 'moco')})
    assert len(seen) == 4
    for i, one in enumerate(seen):
        assert not any(one.equal(other) for other in seen[:i])


def test_outputs_carry_both_tasks_and_their_sum(run):
    _, recorder = run()
    outputs = recorder.outputs[-1]
    assert {f'moco/{name}' for name in DIAGNOSTICS} <= set(outputs)
    assert {'moco/loss_infonce', 'det/s2.loss_mask'} <= set(outputs)
    assert set(SECONDS) <= set(outputs)
    assert outputs['moco/queue_fill'].item() == pytest.approx(8 / 12)
    total = outputs['moco/loss'] + outputs['det/loss']
    torch.testing.assert_close(outputs['loss'], total.detach())
    assert not outputs['loss'].requires_grad


def test_loss_is_the_sum_over_repeated_steps(run, monkeypatch):
    losses: list[float] = []
    original = AMT2CascadeRCNN.train_step

    def recorded(self: Any, data: dict, optim_wrapper: Any) -> dict:
        log = original(self, data, optim_wrapper)
        losses.append(log['loss'].item())
        return log

    monkeypatch.setattr(AMT2CascadeRCNN, 'train_step', recorded)
    _, recorder = run(
        {'train_cfg.schedule': ('moco', 'moco'), 'train_cfg.max_iters': 1}
    )
    (outputs,) = recorder.outputs
    assert len(losses) == 2
    assert outputs['loss'].item() == pytest.approx(sum(losses))
    assert outputs['moco/loss'].item() == pytest.approx(losses[1])


def test_joint_step_takes_one_optimizer_step(run):
    class Counter(Hook):
        steps = 0

        def before_train(self, runner: Runner) -> None:
            optimizer = runner.optim_wrapper.optimizer
            optimizer.register_step_post_hook(self.count)

        def count(self, *args: Any) -> None:
            self.steps += 1

    counters = {}
    for schedule in (('moco+det',), ('moco', 'det')):
        counters[schedule] = Counter()
        run({'train_cfg.schedule': schedule}, hooks=[counters[schedule]])
    assert [counter.steps for counter in counters.values()] == [2, 4]


def test_log_files_have_both_tasks_and_an_eta(run):
    runner, _ = run({'train_cfg.max_iters': 3})
    (scalars,) = Path(runner._log_dir).rglob('scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert [line['iter'] for line in lines] == [1, 2, 3]
    expected = {f'moco/{name}' for name in DIAGNOSTICS}
    expected |= {'loss', 'moco/loss', 'det/loss', 'time', 'data_time', 'lr'}
    for line in lines:
        assert expected | set(SECONDS) <= set(line)
    last = log_of(runner).split('Iter(train)')[-1]
    assert 'eta: 0:00:' in last
    for name in ('moco/acc_top5', 'moco/time', 'det/data_time', 'loss'):
        assert f'{name}: ' in last


def test_one_iteration_counts_once(run, tmp_path):
    calls: list[int] = []

    class Counter(Hook):
        def before_train_iter(
            self, runner: Runner, batch_idx: int, data_batch: Any = None
        ) -> None:
            calls.append(batch_idx)

    run(
        {
            'train_cfg.schedule': ('moco', 'moco', 'det'),
            'train_cfg.max_iters': 3,
            'default_hooks.checkpoint.interval': 1,
            'param_scheduler': [
                dict(type='StepLR', step_size=1, gamma=0.1, by_epoch=False)
            ],
        },
        hooks=[Counter()],
    )
    assert calls == [0, 1, 2]
    names = sorted(path.name for path in (tmp_path / 'work').glob('*.pth'))
    assert names == ['iter_1.pth', 'iter_2.pth', 'iter_3.pth']
    meta = torch.load(tmp_path / 'work/iter_3.pth', weights_only=False)['meta']
    assert meta['iter'] == 3
    (scalars,) = (tmp_path / 'work').rglob('scalars.json')
    rates = [
        json.loads(line)['lr'] for line in scalars.read_text().splitlines()
    ]
    assert rates == pytest.approx([0.01, 0.001, 0.0001])


@pytest.mark.parametrize(
    ('schedule', 'num_workers'),
    [
        ({}, 0),
        ({}, 2),
        ({'train_cfg.schedule': ['moco', 'moco', 'det']}, 2),
        ({'train_cfg.warmup_iters': 4}, 2),
    ],
    ids=['no_workers', 'pairs', 'repeats', 'warm_up'],
)
def test_resume_replays_the_batches_of_both_loaders(
    run, tmp_path, schedule, num_workers
):
    options = {
        **schedule,
        'train_dataloader.moco.num_workers': num_workers,
        'train_dataloader.det.num_workers': num_workers,
    }
    _, whole = run({**options, 'train_cfg.max_iters': 6}, 'whole')
    _, start = run({**options, 'train_cfg.max_iters': 3}, 'cut')
    runner, rest = run(
        {**options, 'train_cfg.max_iters': 6, 'resume': True}, 'cut'
    )
    assert runner.iter == 6
    assert len(rest.iterations) == 3
    assert start.iterations + rest.iterations == whole.iterations
    assert (tmp_path / 'cut/iter_6.pth').is_file()


def test_resume_replays_the_batches_without_a_configured_seed(run, tmp_path):
    unseeded = {'randomness.seed': None, 'train_cfg.max_iters': 3}
    _, start = run(unseeded, 'cut')
    seed = torch.load(tmp_path / 'cut/iter_3.pth', weights_only=False)['meta'][
        'seed'
    ]
    _, whole = run(
        {'randomness.seed': seed, 'train_cfg.max_iters': 6}, 'whole'
    )
    resumed = {**unseeded, 'train_cfg.max_iters': 6, 'resume': True}
    _, rest = run(resumed, 'cut')
    assert start.iterations + rest.iterations == whole.iterations


def test_resume_without_skipping_keeps_to_the_schedule(run, steps):
    run({'train_cfg.warmup_iters': 2})
    steps.clear()
    run(
        {
            'train_cfg.warmup_iters': 2,
            'train_cfg.max_iters': 3,
            'train_cfg.fast_forward_on_resume': True,
            'resume': True,
        }
    )
    assert [task for task, _ in steps] == ['moco', 'det']


def test_resume_with_an_optimizer_a_task_takes_up_their_momentum(
    run, tmp_path
):
    run({'optim_wrapper': TWO_SGD})
    saved = torch.load(tmp_path / 'work/iter_2.pth', weights_only=False)
    assert set(saved['optimizer']) == {'moco', 'det'}
    moco = saved['optimizer']['moco']['state']
    det = saved['optimizer']['det']['state']
    assert 0 < len(moco) < len(det)
    runner, _ = run({'optim_wrapper': TWO_SGD, 'resume': True})
    for task, wrapper in runner.optim_wrapper.items():
        own = wrapper.optimizer.state_dict()['state']
        for index, state in saved['optimizer'][task]['state'].items():
            buffer = state['momentum_buffer']
            assert own[index]['momentum_buffer'].equal(buffer)


@pytest.mark.parametrize(
    'wrapper',
    [
        {**SGD, 'accumulative_counts': 2},
        {**TWO_SGD, 'det': {**SGD, 'accumulative_counts': 2}},
    ],
    ids=['one', 'per_task'],
)
@pytest.mark.parametrize('schedule', [('moco', 'det'), ('moco', 'moco')])
def test_accumulation_over_several_steps_is_refused(run, wrapper, schedule):
    with pytest.raises(ValueError, match='accumulative_counts') as caught:
        run({'optim_wrapper': wrapper, 'train_cfg.schedule': schedule})
    assert "share the backbone's gradients" in str(caught.value)
    assert 'raise the batch sizes' in str(caught.value)


@pytest.mark.parametrize('schedule', [('det',), ('moco',), ('moco+det',)])
def test_accumulation_of_a_single_step_works(run, schedule):
    seen: list[torch.Tensor] = []

    class Weights(Hook):
        def after_train_iter(
            self, runner: Runner, *args: Any, **kwargs: Any
        ) -> None:
            seen.append(runner.model.backbone.conv1.weight.clone())

    run(
        {
            'optim_wrapper': {**SGD, 'accumulative_counts': 2},
            'train_cfg.schedule': schedule,
            'train_cfg.max_iters': 4,
        },
        hooks=[Weights()],
    )
    one, two, three, four = seen
    assert not one.equal(two)
    assert two.equal(three)
    assert not three.equal(four)


def test_unknown_task_is_refused(run):
    with pytest.raises(ValueError, match="'segmentation'"):
        run({'train_cfg.schedule': ('moco', 'segmentation')})


def test_missing_loader_is_refused(run):
    with pytest.raises(ValueError, match=r'train_dataloader\.moco is None'):
        run({'train_dataloader.moco': None})


def test_step_without_an_optimizer_is_refused(run):
    wrapper = {k: v for k, v in TWO_SGD.items() if k != 'det'}
    with pytest.raises(ValueError, match=r"\['det'\]") as caught:
        run({'optim_wrapper': wrapper})
    assert "['moco']" in str(caught.value)


def test_warm_up_step_without_an_optimizer_is_refused(run):
    wrapper = {k: v for k, v in TWO_SGD.items() if k != 'det'}
    with pytest.raises(ValueError, match=r"\['det'\]"):
        run(
            {
                'optim_wrapper': wrapper,
                'train_cfg.schedule': ('moco',),
                'train_cfg.warmup_iters': 1,
            }
        )


def test_plain_data_loader_is_refused(demo_data, tmp_path):
    config = run_config(demo_data, tmp_path)
    config.train_dataloader = config.train_dataloader.det
    with pytest.raises(TypeError, match=r'cupre_mm\.DualDataLoader'):
        Runner.from_cfg(config).train()


@WRAPPERS
def test_auto_scaled_rate_follows_the_detection_batch(run, wrapper):
    runner, _ = run(
        {
            'optim_wrapper': wrapper,
            'auto_scale_lr': dict(enable=True, base_batch_size=8),
            'train_cfg.max_iters': 1,
        }
    )
    # 0.01 for a batch of 8; the detection batch is 2, the contrastive 4.
    for rates in runner.optim_wrapper.get_lr().values():
        assert rates == pytest.approx([0.0025] * len(rates))
    assert 'current batch size is 2' in log_of(runner)
