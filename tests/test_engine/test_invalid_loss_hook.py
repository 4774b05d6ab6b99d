import copy
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.runner import Runner
from torch import multiprocessing

from cupre_mm.engine.hooks import InvalidLossHook
from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.errors import BadConfigError, InvalidLossError, UserError
from cupre_mm.utils.invalid_loss_dump import read_dump, replay_dump
from tests import invalid_loss_processes
from tests.invalid_loss_runs import toy_run
from tests.tiny_amt2 import log_of, run_config, train

NAN = float('nan')


class StateRecorder(Hook):
    """Keeps all weights, buffers and momenta after every iteration."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.states: list[dict[str, torch.Tensor]] = []

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        optimizer = runner.optim_wrapper.optimizer
        state = copy.deepcopy(runner.model.state_dict())
        for number, parameter in enumerate(runner.model.parameters()):
            state[f'momentum{number}'] = optimizer.state[parameter][
                'momentum_buffer'
            ].clone()
        self.states.append(state)


class SpoilWeight(Hook):
    """Makes one weight NaN after an iteration, as too large a step would."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter == self.iteration:
            next(runner.model.parameters()).data[0] = NAN


class SpoilImages(Hook):
    """Makes the images of a task NaN in all iterations from one on."""

    def __init__(self, task: str, iterations: range) -> None:
        self.task = task
        self.iterations = iterations

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict
    ) -> None:
        if runner.iter in self.iterations:
            for batch in data_batch[self.task]:
                batch['inputs'] = [
                    one.float() * NAN for one in batch['inputs']
                ]


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('iter_*.pth'))


def test_invalid_step_leaves_no_trace(tmp_path):
    recorder = StateRecorder()
    runner = toy_run(
        tmp_path, [InvalidLossHook(), recorder], invalid=[5], iterations=4
    )
    runner.train()
    first, second, third, _ = recorder.states
    assert all(first[name].equal(second[name]) for name in first)
    assert all(value.isfinite().all() for value in third.values())
    assert not first['linear.weight'].equal(third['linear.weight'])
    log = log_of(runner)
    assert 'Iteration 2: the model had loss_square=nan, loss_shift=nan' in log
    assert 'image_4.png, image_5.png, image_6.png, image_7.png' in log
    assert '5 iterations in a row end it' in log
    assert len(checkpoints(tmp_path)) == 4


def test_run_without_invalid_steps_is_bit_identical_with_the_hook(tmp_path):
    final = []
    for hooks in ([], [InvalidLossHook()]):
        runner = toy_run(tmp_path, hooks)
        runner.train()
        final.append((runner.model.state_dict(), torch.get_rng_state()))
    (plain, plain_random), (watched, watched_random) = final
    assert all(plain[name].equal(watched[name]) for name in plain)
    assert plain_random.equal(watched_random)


def test_count_in_a_row_starts_again_after_a_valid_step(tmp_path):
    hook = InvalidLossHook(max_in_a_row=2)
    toy_run(tmp_path, [hook], invalid=[0, 8, 16], iterations=5).train()
    assert not list(tmp_path.glob('invalid_loss*'))


def test_too_many_in_a_row_end_the_run_with_a_dump(tmp_path):
    hook = InvalidLossHook(max_in_a_row=2)
    runner = toy_run(tmp_path, [hook], invalid=[7, 8], iterations=5)
    with pytest.raises(InvalidLossError, match='Iteration 3: ') as caught:
        runner.train()
    assert isinstance(caught.value, UserError)
    dump = tmp_path / 'invalid_loss_iter3_rank0.pth'
    message = str(caught.value)
    for part in ('image_8.png', str(dump), '2 iterations in a row'):
        assert part in message
    losses = replay_dump(dump, runner.model)
    assert {name for name, value in losses.items() if value.isnan()} == {
        'loss_square',
        'loss_shift',
    }
    # The third was not saved: the run ended before.
    assert checkpoints(tmp_path) == ['iter_1.pth', 'iter_2.pth']


def test_invalid_gradient_of_a_valid_loss_counts_and_replays(tmp_path):
    runner = toy_run(tmp_path, [InvalidLossHook(max_in_a_row=1)])
    weight = runner.model.linear.weight
    before = weight.detach().clone()
    weight.register_hook(lambda gradient: gradient * float('inf'))
    with pytest.raises(InvalidLossError, match='a gradient that is NaN'):
        runner.train()
    assert weight.equal(before)
    dump = read_dump(tmp_path / 'invalid_loss_iter1_rank0.pth')
    again = replay_dump(
        tmp_path / 'invalid_loss_iter1_rank0.pth', runner.model
    )
    for name, value in dump['losses'].items():
        assert value.isfinite()
        assert again[name].equal(value)


def test_checkpoint_with_spoiled_weights_is_not_written(tmp_path):
    runner = toy_run(tmp_path, [InvalidLossHook(), SpoilWeight(2)])
    with pytest.raises(InvalidLossError, match=r'first is norm\.weight'):
        runner.train()
    assert checkpoints(tmp_path) == ['iter_1.pth', 'iter_2.pth']
    last = read_checkpoint(tmp_path / 'iter_2.pth')['state_dict']
    assert all(value.isfinite().all() for value in last.values())
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


@pytest.mark.parametrize(
    ('init_scale', 'ends'), [(2.0**16, False), (0.5, True)]
)
def test_infinite_gradients_count_only_at_a_small_loss_scale(
    tmp_path, monkeypatch, init_scale, ends
):
    # torch scales losses on the CPU too, where mmengine does not let it.
    monkeypatch.setattr(
        amp_optimizer_wrapper, 'is_cuda_available', lambda: True
    )
    runner = toy_run(
        tmp_path,
        [InvalidLossHook(max_in_a_row=2)],
        optim_wrapper=dict(
            type='AmpOptimWrapper',
            dtype='bfloat16',
            loss_scale=dict(device='cpu', init_scale=init_scale),
            optimizer=dict(type='SGD', lr=0.1),
        ),
    )
    weight = runner.model.linear.weight
    before = weight.detach().clone()
    weight.register_hook(lambda gradient: gradient * float('inf'))
    if ends:
        with pytest.raises(InvalidLossError, match='a gradient that is NaN'):
            runner.train()
    else:
        runner.train()
    assert weight.equal(before)


@pytest.mark.parametrize('value', [0, -1, 1.5, 'many'])
def test_number_that_cannot_be_used_is_refused(value):
    with pytest.raises(BadConfigError, match='max_in_a_row'):
        InvalidLossHook(max_in_a_row=value)


@pytest.mark.parametrize('task', ['moco', 'det'])
def test_a_few_invalid_images_do_not_spoil_amt2(demo_data, tmp_path, task):
    runner, recorder = train(
        run_config(demo_data, tmp_path, {'train_cfg.max_iters': 3}),
        InvalidLossHook(),
        SpoilImages(task, range(1, 2)),
    )
    assert recorder.outputs[1][f'{task}/loss'].isnan()
    assert recorder.outputs[2]['loss'].isfinite()
    for name, value in runner.model.state_dict().items():
        assert value.isfinite().all(), name
    assert f"Iteration 2: the task '{task}' had" in log_of(runner)


@pytest.mark.parametrize('task', ['moco', 'det'])
def test_dump_of_amt2_gives_the_same_losses_again(demo_data, tmp_path, task):
    # Finite losses: those of NaN images would be NaN whatever the weights,
    # queue and random numbers.
    config = run_config(demo_data, tmp_path)
    config.train_cfg.schedule = (task,)
    config.train_dataloader['det' if task == 'moco' else 'moco'] = None
    runner = Runner.from_cfg(config)
    runner.register_hook(InvalidLossHook(max_in_a_row=1))

    class SpoilGradient(Hook):
        def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
            if runner.iter == 1:
                runner.model.backbone.conv1.weight.register_hook(
                    lambda gradient: gradient * NAN
                )

    runner.register_hook(SpoilGradient())
    with pytest.raises(InvalidLossError, match=f"the task '{task}'"):
        runner.train()
    path = tmp_path / 'invalid_loss_iter2_rank0.pth'
    dump = read_dump(path)
    assert dump['task'] == task
    assert all(Path(image).is_file() for image in dump['images'])
    again = replay_dump(path)
    for name, value in dump['losses'].items():
        parts = again[name]
        parts = [parts] if isinstance(parts, torch.Tensor) else parts
        assert sum(part.mean() for part in parts).item() == value.item()


@pytest.mark.distributed
def test_processes_skip_and_stop_together(tmp_path):
    multiprocessing.spawn(invalid_loss_processes.work, (tmp_path,), nprocs=2)
    first, second = (
        torch.load(tmp_path / f'rank{rank}.pth', weights_only=False)
        for rank in (0, 1)
    )
    assert first['message'] == second['message']
    assert 'Iteration 5: the model had loss_square=nan' in first['message']
    assert 'on rank 1 on the images image_16.png' in first['message']
    assert first['iteration'] == second['iteration'] == 4
    for name, value in first['weights'].items():
        assert value.isfinite().all()
        assert value.equal(second['weights'][name]), name
    assert all(v.isfinite().all() for v in second['buffers'].values())
    dumps = [path.name for path in tmp_path.rglob('invalid_loss*')]
    assert dumps == ['invalid_loss_iter5_rank1.pth']
    assert checkpoints(tmp_path / 'run')[-1] == 'iter_4.pth'
