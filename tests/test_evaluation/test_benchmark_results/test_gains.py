"""Gains over a baseline and their intervals."""

from pathlib import Path

import numpy as np
import pytest

from cupre_mm.evaluation.benchmark_results.cells import Cell
from cupre_mm.evaluation.benchmark_results.gains import (
    draw_images,
    find_gains,
    hierarchical,
    resample_ap,
)
from cupre_mm.evaluation.benchmark_results.grid import Arm, Grid, Size
from cupre_mm.evaluation.benchmark_results.weighted_ap import APMatches
from cupre_mm.evaluation.paired_bootstrap import Bootstrap

SIZE = Size('pct', 5.0)
BOOTSTRAP = Bootstrap(400, method='percentile')


def make_grid(*arms: str, baselines: tuple[str, ...] = ('coco',)) -> Grid:
    return Grid(
        'Test',
        tuple(Arm(name, name) for name in arms),
        (SIZE,),
        {'5pct': (0, 1, 2)},
        baselines,
        {},
        {},
    )


def make_cell(arm: str, seed: int, ap: float | None, test: str = 't') -> Cell:
    record = {'test': {'sha256': test}}
    record['metrics'] = {} if ap is None else {'coco/bbox_mAP': ap}
    return Cell(arm, SIZE, seed, Path(), 'done', record)


def test_gain_is_the_mean_of_paired_differences():
    cells = [
        make_cell('coco', 0, 0.30),
        make_cell('coco', 1, 0.40),
        make_cell('coco', 2, 0.10),
        make_cell('amt2', 0, 0.32),
        make_cell('amt2', 1, 0.46),
    ]
    (gain,) = find_gains(make_grid('coco', 'amt2'), cells)
    assert gain.by_seed == pytest.approx({0: 0.02, 1: 0.06})
    assert gain.mean == pytest.approx(0.04)
    assert gain.sd == pytest.approx(0.04 / np.sqrt(2))
    assert gain.exceeds_seed_spread is True
    assert gain.interval is None


def test_a_gain_within_the_seed_spread_is_told():
    cells = [make_cell('coco', seed, 0.3) for seed in (0, 1)]
    cells += [make_cell('amt2', 0, 0.25), make_cell('amt2', 1, 0.37)]
    (gain,) = find_gains(make_grid('coco', 'amt2'), cells)
    assert gain.mean == pytest.approx(0.01)
    assert gain.exceeds_seed_spread is False


def test_of_one_seed_the_spread_is_unknown():
    cells = [make_cell('coco', 0, 0.3), make_cell('amt2', 0, 0.4)]
    (gain,) = find_gains(make_grid('coco', 'amt2'), cells)
    assert gain.sd is None
    assert gain.exceeds_seed_spread is None


def test_cells_of_different_test_files_are_not_compared():
    cells = [make_cell('coco', 0, 0.3), make_cell('amt2', 0, 0.4, 'other')]
    assert find_gains(make_grid('coco', 'amt2'), cells) == []


def test_an_arm_without_ap_has_no_gain():
    cells = [make_cell('coco', 0, 0.3), make_cell('amt2', 0, None)]
    assert find_gains(make_grid('coco', 'amt2'), cells) == []


def test_each_baseline_has_its_gains():
    cells = [make_cell(name, 0, 0.3) for name in ('coco', 'longer', 'amt2')]
    grid = make_grid('coco', 'longer', 'amt2', baselines=('coco', 'longer'))
    pairs = [(gain.baseline, gain.arm) for gain in find_gains(grid, cells)]
    assert pairs == [
        ('coco', 'longer'),
        ('coco', 'amt2'),
        ('longer', 'coco'),
        ('longer', 'amt2'),
    ]


def test_resampled_ap_by_hand():
    # Image 0 is found, image 1 behind a wrong detection: of the draws
    # (2, 0), (1, 1) and (0, 2) the middle one is as likely as both others.
    matches = APMatches(
        image=np.array([0, 1, 1]),
        label=np.zeros(3, int),
        right=np.array([[True, False, True]]),
        ignored=np.zeros((1, 3), bool),
        truths=np.array([[1], [1]]),
    )
    bootstrap = Bootstrap(4000, method='percentile')
    values = resample_ap({'bbox': matches}, bootstrap)['bbox']
    expected = [1 / 2, (51 + 50 * 2 / 3) / 101, 1.0]
    found, counts = np.unique(values.round(9), return_counts=True)
    assert found == pytest.approx(expected)
    assert counts / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_all_runs_get_the_same_images_at_every_call():
    first, second = draw_images(7, BOOTSTRAP), draw_images(7, BOOTSTRAP)
    np.testing.assert_array_equal(first, second)
    assert (first.sum(axis=1) == 7).all()
    other = draw_images(7, Bootstrap(400, method='percentile', seed=1))
    assert (first != other).any()


def interval_of(aps: dict[tuple[str, int], np.ndarray]):
    cells = [make_cell(arm, seed, 0.3) for arm, seed in aps]
    (gain,) = find_gains(
        make_grid('coco', 'amt2'),
        cells,
        lambda cell, metric: aps[cell.arm, cell.seed],
        BOOTSTRAP,
    )
    return gain


def test_interval_of_one_seed_is_that_of_the_paired_differences():
    random = np.random.default_rng(0)
    # What both arms find hard cancels out.
    both = random.normal(0.3, 0.1, 400)
    differences = random.normal(0.02, 0.01, 400)
    gain = interval_of({('coco', 0): both, ('amt2', 0): both + differences})
    low, high = np.quantile(differences, [0.025, 0.975])
    assert gain.interval.low == pytest.approx(low)
    assert gain.interval.high == pytest.approx(high)
    assert gain.interval.with_seeds is False
    share = (differences <= 0).mean()
    assert 0 < share < 0.1
    assert gain.interval.share_not_above_zero == pytest.approx(share)
    assert gain.intervals_by_seed[0] == gain.interval


def test_seeds_are_resampled_with_the_images():
    # Images change nothing here: all spread is that of the seeds.
    aps = {('coco', seed): np.full(400, 0.3) for seed in (0, 1)}
    aps['amt2', 0] = np.full(400, 0.28)
    aps['amt2', 1] = np.full(400, 0.36)
    gain = interval_of(aps)
    assert gain.interval.with_seeds is True
    # 0.02 plus and minus 0.04, widened by the root of 2 for two seeds.
    assert gain.interval.low == pytest.approx(0.02 - 0.04 * 2**0.5)
    assert gain.interval.high == pytest.approx(0.02 + 0.04 * 2**0.5)
    # Seed 0 is drawn twice in a quarter of the resamples.
    assert gain.interval.share_not_above_zero == pytest.approx(0.25, abs=0.07)
    assert gain.intervals_by_seed[0].high == pytest.approx(-0.02)


def test_drawn_seeds_are_averaged():
    found = hierarchical(np.repeat([[0.0], [1.0]], 400, axis=1), BOOTSTRAP)
    values, counts = np.unique(found, return_counts=True)
    aside = 2**0.5 / 2
    assert values == pytest.approx([0.5 - aside, 0.5, 0.5 + aside])
    assert counts / 400 == pytest.approx([0.25, 0.5, 0.25], abs=0.08)


def test_drawn_means_vary_as_much_as_means_of_new_seeds():
    bootstrap = Bootstrap(20000, method='percentile')
    for values in ([0.1, 0.4], [0.1, 0.4, 0.2], [0.3, -0.2, 0.1, 0.2, 0.0]):
        repeated = np.repeat(np.array(values)[:, None], 20000, axis=1)
        found = hierarchical(repeated, bootstrap)
        # The squared standard error of the mean, as of any sample.
        expected = np.var(values, ddof=1) / len(values)
        assert found.var() == pytest.approx(expected, rel=0.05)
        assert found.mean() == pytest.approx(np.mean(values), abs=0.005)


def test_one_seed_is_not_widened():
    differences = np.random.default_rng(0).normal(size=(1, 400))
    np.testing.assert_array_equal(
        hierarchical(differences, BOOTSTRAP), differences[0]
    )


def test_equal_models_have_no_gain():
    ap = np.random.default_rng(0).random(400)
    gain = interval_of({('coco', 0): ap, ('amt2', 0): ap})
    assert (gain.interval.low, gain.interval.high) == (0.0, 0.0)
    assert gain.interval.share_not_above_zero == 1.0


def test_a_seed_that_cannot_be_resampled_leaves_the_mean_without_interval():
    ap = np.random.default_rng(0).random(400)
    gain = interval_of(
        {
            ('coco', 0): ap,
            ('amt2', 0): ap + 0.1,
            ('coco', 1): ap,
            ('amt2', 1): None,
        }
    )
    assert gain.interval is None
    assert list(gain.intervals_by_seed) == [0]


def test_draws_without_an_instance_are_left_out():
    ap = np.linspace(0.2, 0.4, 400)
    with_gap = ap + 0.1
    with_gap[:5] = np.nan
    gain = interval_of({('coco', 0): ap, ('amt2', 0): with_gap})
    assert gain.interval.low == pytest.approx(0.1)
    assert gain.interval.share_not_above_zero == 0.0
