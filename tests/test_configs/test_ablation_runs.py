"""Each ablation trains, and does what its file claims."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.detector_export import export_detector
from tests.narrow_runs import NarrowRun, narrowed, run_steps, stock_detector
from tests.test_configs.conftest import CONFIGS, PATHS

FOLDER = CONFIGS / 'ablations/mini'
PRETRAINING = sorted(
    path.stem.removeprefix('amt2_').removesuffix('_mini')
    for path in PATHS
    if path.parent == FOLDER and path.stem.startswith('amt2_')
)
DETECTORS = ('convnext-t', 'mask-rcnn', 'rtmdet-ins', 'swin-t')
Ran = Callable[[str], NarrowRun]


@pytest.fixture(scope='module')
def ran(configs, tmp_path_factory) -> Ran:
    """Runs of two iterations by the name of the ablation, each once."""
    done: dict[str, NarrowRun] = {}

    def run(name: str) -> NarrowRun:
        if name not in done:
            path = FOLDER / f'amt2_{name}_mini.py'
            if name == 'base':
                path = CONFIGS / 'mini/amt2_mini.py'
            folder = tmp_path_factory.mktemp(name)
            done[name] = run_steps(narrowed(configs[path], folder, 2))
        return done[name]

    return run


@pytest.mark.parametrize('name', PRETRAINING)
def test_trains_and_its_detector_loads_into_mmdets(ran, name, tmp_path):
    run = ran(name)
    assert all(math.isfinite(step.losses['loss']) for step in run.steps)
    contrast = next(s for s in run.steps if s.task in ('moco', 'moco+det'))
    assert contrast.moved('backbone.')
    saved = Path(run.runner.work_dir, 'iter_2.pth')
    weights = read_checkpoint(export_detector(saved, tmp_path / 'out.pth'))
    stock = stock_detector(run.config.model)
    stock.load_state_dict(weights['state_dict'], strict=True)


def test_trains_without_normalisation(configs, tmp_path):
    config = copy.deepcopy(configs[CONFIGS / 'mini/amt2_mini.py'])
    full = configs[CONFIGS / 'ablations/amt2_no-normalization.py']
    pipeline = full.train_dataloader.moco.dataset.pipeline
    config.train_dataloader.moco.dataset.pipeline = pipeline
    run = run_steps(narrowed(config, tmp_path, 2))
    assert run.tasks == 2 * ['moco', 'det']
    assert all(math.isfinite(step.losses['loss']) for step in run.steps)
    assert run.step('moco').moved('backbone.')


@pytest.mark.parametrize(
    ('name', 'steps'),
    [
        ('base', ['moco', 'det']),
        ('order-swapped', ['det', 'moco']),
        ('ratio-2to1', ['moco', 'moco', 'det']),
        ('ratio-1to4', ['moco', 'det', 'det', 'det', 'det']),
        ('summed-loss', ['moco+det']),
    ],
)
def test_steps_of_an_iteration(ran, name, steps):
    run = ran(name)
    assert run.tasks == 2 * steps
    tasks = [task for step in run.tasks for task in step.split('+')]
    for task in ('moco', 'det'):
        size = run.config.train_dataloader[task].batch_size
        assert len(run.paths[task]) == size * tasks.count(task)
    if name == 'summed-loss':
        assert run.steps[0].moved('backbone.')
        assert run.steps[0].moved('rpn_')


def test_simsiam_has_neither_key_encoder_nor_queue(ran):
    run = ran('simsiam')
    names = {name for name in run.steps[0].before if name.startswith('moco.')}
    assert {name.split('.')[1] for name in names} == {'neck', 'head'}
    assert any('encoder_k' in name for name in ran('base').steps[0].before)
    step = run.step('moco')
    assert -1 <= step.losses['loss_similarity'] <= 1
    assert step.moved('moco.neck.')
    assert step.moved('moco.head.')
    assert not step.moved('rpn_head.', 'roi_head.', 'neck.')


def test_densecl_fills_two_queues_and_has_a_dense_loss(ran):
    run = ran('densecl')
    names = ('moco.queue.', 'moco.dense_queue.')
    keys = 2 * run.config.train_dataloader.moco.batch_size
    for name in names:
        assert run.steps[-1].after[f'{name}num_enqueued'].item() == keys
        assert f'{name}queue' in run.step('moco').moved(name)
        assert not run.step('det').moved(name)
    dense = run.step('moco').moved('moco.neck.mlp2.')
    assert dense
    assert run.step('moco').losses['loss_dense'] > 0
    after = run.steps[-1].after
    assert not after['moco.queue.queue'].equal(after['moco.dense_queue.queue'])


def test_projector_on_levels_trains_the_fpn_by_contrast(ran):
    levels = {
        f'neck.{part}_convs.{level}.conv.weight'
        for part in ('lateral', 'fpn')
        for level in range(4)
    }
    assert levels <= ran('fpn-projector').step('moco').moved('neck.')
    assert not ran('base').step('moco').moved('neck.')
    # The key encoder has the FPN as well.
    keys = ran('fpn-projector').steps[0].before
    prefix = 'moco.encoder_k.module.0.1.'
    assert sum(name.startswith(prefix) for name in keys) == 16


@pytest.mark.parametrize('length', [64, 256])
def test_queue_length(ran, length):
    queue = ran(f'queue-{length}').steps[-1].after['moco.queue.queue']
    assert queue.shape[1] == length
    assert ran('base').steps[-1].after['moco.queue.queue'].shape[1] > length


def statistics(names: set[str]) -> set[str]:
    return {name for name in names if 'running_' in name}


def test_frozen_batch_norm_stays_and_live_batch_norm_moves(ran):
    for step in ran('frozen-bn').steps:
        assert not statistics(step.moved('backbone.'))
        assert not step.moved('backbone.bn1', 'backbone.layer1')
        assert step.moved('backbone.layer2')
    for step in ran('base').steps:
        assert len(statistics(step.moved('backbone.'))) == 40
        assert step.moved('backbone.bn1')
        assert step.moved('backbone.layer1')


@pytest.mark.parametrize('name', ['separate-bn', 'separate-bn-affine'])
def test_each_task_moves_its_own_statistics_only(ran, name):
    run = ran(name)
    own = 'moco.batch_norm.layers.'
    for step in run.steps:
        moved = {
            prefix: len(statistics(step.moved(prefix)))
            for prefix in ('backbone.', own)
        }
        on_cells = step.task == 'moco'
        assert moved == {
            'backbone.': 0 if on_cells else 40,
            own: 40 if on_cells else 0,
        }
    # The keys are normalised as the queries: by statistics of cells.
    last = run.steps[-2].after
    for place in ('bn1', 'layer4-1-bn2'):
        key = f'moco.encoder_k.module.0.{place.replace("-", ".")}.weight'
        query = f'{own}{place}.weight'
        shared = f'backbone.{place.replace("-", ".")}.weight'
        source = last[query if query in last else shared]
        torch.testing.assert_close(last[key], source, rtol=0, atol=1e-3)


def test_separate_statistics_leave_the_weights_as_they_are(ran):
    live, separate = (ran(n).steps[-1].after for n in ('base', 'separate-bn'))
    names = dict(ran('base').runner.model.named_parameters())
    assert all(live[name].equal(separate[name]) for name in names)
    assert not live['backbone.bn1.running_mean'].equal(
        separate['backbone.bn1.running_mean']
    )


def test_separate_scale_and_shift_are_trained_by_their_task_alone(ran):
    run = ran('separate-bn-affine')
    affine = ('backbone.bn1.weight', 'backbone.layer3.0.bn2.bias')
    own = (
        'moco.batch_norm.layers.bn1.weight',
        'moco.batch_norm.layers.layer3-0-bn2.bias',
    )
    assert not set(affine) & run.step('moco').moved()
    assert set(own) <= run.step('moco').moved()
    assert set(affine) <= run.step('det').moved()
    assert not set(own) & run.step('det').moved()


def states(run: NarrowRun, task: str) -> set[str]:
    """Names of parameters that a task's optimizer has averages of."""
    state = run.runner.optim_wrapper[task].optimizer.state
    parameters = run.runner.model.named_parameters()
    return {name for name, value in parameters if value in state}


def test_two_optimizers_keep_separate_averages(ran):
    run = ran('two-optimizers')
    moco, det = states(run, 'moco'), states(run, 'det')
    assert {name.split('.')[0] for name in moco} == {'backbone', 'moco'}
    assert not any(name.startswith('moco.') for name in det)
    assert any(name.startswith('rpn_head.') for name in det)
    shared = run.runner.model.backbone.conv1.weight
    averages = [
        run.runner.optim_wrapper[task].optimizer.state[shared]['exp_avg']
        for task in ('moco', 'det')
    ]
    assert not averages[0].equal(averages[1])


@pytest.mark.parametrize('percent', [10, 30])
def test_contrast_moves_by_its_own_rate(ran, percent):
    whole, scaled = ran('two-optimizers'), ran(f'moco-lr-{percent}pct')
    rates = scaled.runner.optim_wrapper.get_lr()
    base = rates['det.lr'][0]
    assert whole.runner.optim_wrapper.get_lr()['moco.lr'] == [base]
    assert rates['moco.lr'][0] == pytest.approx(percent / 100 * base)
    # AdamW's first step is as long as its rate, whatever the gradient.
    name = 'moco.neck.projector.mlp.0.bias'
    moved = []
    for run in (whole, scaled):
        step = run.step('moco')
        moved.append((step.after[name] - step.before[name]).abs().max())
    assert float(moved[1] / moved[0]) == pytest.approx(percent / 100, 1e-3)


def test_one_source_alone_is_drawn(ran):
    run, base = ran('one-source'), ran('base')
    folders = {path.parent.name for path in run.paths['moco']}
    assert folders == {'bccd'}
    assert len({path.parent.name for path in base.paths['moco']}) > 1


def test_no_warmup_and_moco_v1_head(ran, configs):
    base = configs[CONFIGS / 'mini/amt2_mini.py']
    started = configs[FOLDER / 'amt2_no-warmup_mini.py']
    assert base.load_from
    assert started.load_from is None
    names = {
        name.removeprefix('moco.neck.projector.')
        for name in ran('moco-v1-head').steps[0].before
        if name.startswith('moco.neck.')
    }
    assert names == {'fc.weight', 'fc.bias'}


@pytest.mark.parametrize('name', DETECTORS)
def test_finetuning_takes_the_pretrained_detector(
    ran, name, configs, tmp_path
):
    pretrained = Path(ran(name).runner.work_dir, 'iter_2.pth')
    given = configs[FOLDER / f'finetune_{name}_mini.py']
    config = narrowed(given, tmp_path, 1)
    config.load_from = str(pretrained)
    runner = Runner.from_cfg(config)
    runner.load_or_resume()
    loaded = runner.model.state_dict()
    saved = read_checkpoint(pretrained)['state_dict']
    fitting = {
        key
        for key, value in loaded.items()
        if key in saved and saved[key].equal(value)
    }
    # All but the outputs for 80 classes.
    rest = {key for key in loaded if key not in fitting}
    assert any(key.startswith('backbone.') for key in fitting)
    assert {key.split('.')[0] for key in rest} <= {'roi_head', 'bbox_head'}
    assert len(rest) <= 12
    runner.train()
    scores = runner.test()
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(scores)


@pytest.mark.parametrize('name', ['densecl', 'separate-bn-affine'])
def test_resumed_run_is_bit_identical(ran, name, tmp_path, configs):
    path = FOLDER / f'amt2_{name}_mini.py'
    first = run_steps(narrowed(configs[path], tmp_path, 1))
    again = narrowed(configs[path], tmp_path, 2)
    again.resume = True
    again.load_from = str(tmp_path / 'iter_1.pth')
    second = run_steps(again)
    whole = ran(name)
    assert [*first.paths['moco'], *second.paths['moco']] == whole.paths['moco']
    # EMA counts, queues and statistics are part of the state.
    for key, value in whole.steps[-1].after.items():
        assert second.steps[-1].after[key].equal(value), key
    assert copy.copy(second.tasks) == whole.tasks[2:]
