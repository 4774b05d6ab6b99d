import logging

import pytest
import torch
from mmengine.hooks import Hook

from cupre_mm.utils.safe_load import load_local
from tests.killed_runs import differences
from tests.toy_run import toy_runner

HOOK = dict(type='cupre_mm.RandomStateHook')
LOOP = dict(
    type='cupre_mm.ResumableTrainLoop',
    max_iters=7,
    val_interval=2,
)


class InterruptedRunError(Exception):
    pass


class Stop(Hook):
    """Ends the run after an iteration, whose checkpoint is written."""

    priority = 'LOWEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.iteration:
            raise InterruptedRunError


@pytest.fixture
def run(tmp_path):
    """Train the line, and give what the last checkpoint holds."""

    def run(name, stop=None, change=None, hook=HOOK, loop=LOOP, **options):
        runner = toy_runner(
            tmp_path / name,
            {
                **({'default_hooks.random_state': hook} if hook else {}),
                **options,
            },
            *([] if stop is None else [Stop(stop)]),
        )
        runner._train_loop = dict(loop)
        if change is not None:
            change(runner)
        try:
            runner.train()
        except InterruptedRunError:
            return None
        saved = load_local(tmp_path / name / 'iter_7.pth', 'cpu')
        return {
            key: saved.get(key)
            for key in ('state_dict', 'optimizer', 'exact_resume')
        }

    return run


@pytest.mark.parametrize('validate', [False, True])
def test_a_resumed_run_is_bit_identical(run, validate):
    whole = run('whole', validate=validate)
    run('cut', stop=1, validate=validate)
    run('cut', stop=4, resume=True, validate=validate)
    resumed = run('cut', resume=True, validate=validate, workers=1)
    assert differences(whole, resumed) == []


def test_without_the_hook_it_is_not(run):
    whole = run('whole')
    run('cut', stop=4, hook=None)
    resumed = run('cut', resume=True, hook=None)
    assert differences(whole['state_dict'], resumed['state_dict'])


def test_validation_leaves_no_trace(run):
    plain, validated = run('plain'), run('validated', validate=True)
    assert differences(plain, validated) == []


def test_the_seed_of_a_run_that_names_none_is_found_again(run, tmp_path):
    def unseeded(runner):
        runner._randomness_cfg = dict(seed=None)
        runner.set_randomness(seed=None)

    run('cut', stop=3, change=unseeded)
    resumed = run('cut', resume=True, change=unseeded)
    seed = load_local(tmp_path / 'cut/iter_7.pth', 'cpu')['meta']['seed']
    assert seed != 3

    def seeded(runner):
        runner._randomness_cfg = dict(seed=seed)
        runner.set_randomness(seed=seed)

    # The weights of both were made with the seed of the config.
    from_start = run('whole', change=seeded)
    assert (
        from_start['exact_resume']['stream']
        == (resumed['exact_resume']['stream'])
    )
    assert (
        differences(
            from_start['exact_resume']['random'],
            resumed['exact_resume']['random'],
        )
        == []
    )


def test_gradients_that_are_accumulated_survive(run):
    def accumulate(runner):
        runner.optim_wrapper['accumulative_counts'] = 3

    whole = run('whole', change=accumulate)
    # Steps are taken after 3, 6 and 7: two gradients wait here.
    run('cut', stop=5, change=accumulate)
    resumed = run('cut', resume=True, change=accumulate)
    assert differences(whole, resumed) == []


def halve_the_batch(runner):
    runner._train_dataloader['batch_size'] = 1


def test_another_batch_size_is_refused(run):
    run('cut', stop=2)
    with pytest.raises(
        ValueError, match=r'train_dataloader\.batch_size was 2 and is 1 now'
    ):
        run('cut', resume=True, change=halve_the_batch)


def test_another_batch_size_is_taken_with_draws_from_the_start(run):
    run('cut', stop=2)
    anew = {**LOOP, 'fast_forward_on_resume': True}
    resumed = run('cut', resume=True, change=halve_the_batch, loop=anew)
    batch = resumed['exact_resume']['stream']['train_dataloader.batch_size']
    assert batch == 1


def test_a_checkpoint_without_states_is_said_to_have_none(run, caplog):
    run('cut', stop=2, hook=None)

    def loud(runner):
        runner.logger.setLevel(logging.WARNING)
        runner.logger.addHandler(caplog.handler)

    run('cut', resume=True, change=loud)
    assert 'has no random states' in caplog.text


def test_the_checkpoint_reads_as_plain_data(run, tmp_path):
    run('cut', stop=2)
    saved = torch.load(
        tmp_path / 'cut/iter_2.pth', weights_only=False, map_location='cpu'
    )['exact_resume']
    torch.save(saved, tmp_path / 'alone.pth')
    alone = torch.load(tmp_path / 'alone.pth', weights_only=True)
    assert differences(saved, alone) == []
