"""Runs that are killed and resumed against one that is not."""

import itertools

import pytest

from tests.killed_runs import (
    data_of,
    differences,
    losses_of,
    run_to_end,
    run_with_kills,
    state_of,
)


def options(iterations, interval, **changes):
    return {
        'train_cfg.max_iters': iterations,
        'default_hooks.checkpoint': dict(
            type='cupre_mm.WholeCheckpointHook',
            by_epoch=False,
            interval=interval,
            max_keep_ckpts=2,
        ),
        'default_hooks.random_state': dict(type='cupre_mm.RandomStateHook'),
        # The smoothed losses of 10 iterations reach over every resume.
        'log_processor.window_size': 10,
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=5),
            dict(type='CosineAnnealingLR', by_epoch=False, begin=5),
        ],
        'custom_hooks': [dict(type='EMAHook', momentum=0.01)],
        **changes,
    }


def compare(whole, cut, iterations):
    seen, _ = data_of(whole)
    again, repeated_data = data_of(cut)
    assert sorted(seen) == list(range(iterations))
    assert again == seen
    logged, _ = losses_of(whole)
    relogged, repeated_lines = losses_of(cut)
    assert sorted(logged) == list(range(1, iterations + 1))
    assert relogged == logged
    expected, found = state_of(whole, iterations), state_of(cut, iterations)
    assert differences(expected, found) == []
    assert any('loss' in name for name in expected['logged'])
    return repeated_data, repeated_lines, expected


@pytest.mark.parametrize(
    ('kills', 'iterations', 'interval'),
    [
        pytest.param(2, 24, 2, id='two_kills'),
        pytest.param(24, 110, 2, id='kills', marks=pytest.mark.slow),
    ],
)
def test_killed_run_is_bit_identical(
    demo_data, tmp_path, kills, iterations, interval
):
    changed = options(iterations, interval)
    two = {
        f'train_dataloader.{task}.num_workers': 1 for task in ('moco', 'det')
    }
    run_to_end(demo_data, tmp_path / 'whole', {**changed, **two})
    counts = run_with_kills(
        demo_data,
        tmp_path / 'cut',
        changed,
        kills,
        itertools.cycle([2, 0, 1]),
    )
    repeated_data, repeated_lines, state = compare(
        tmp_path / 'whole', tmp_path / 'cut', iterations
    )
    print(counts, dict(again=repeated_data, lines_again=repeated_lines))
    # A fast machine may come to the end before the last ones.
    assert counts['kills'] >= min(kills, 20)
    assert counts['half_files'] > 0
    names = set(state['weights'])
    assert {'moco.queue.queue', 'moco.queue.queue_ptr'} <= names
    assert any(name.startswith('moco.encoder_k.') for name in names)
