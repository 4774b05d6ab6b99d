"""Estimates of a mean paired difference."""

import numpy as np
import pytest
from scipy import stats

from cupre_mm.evaluation.paired_bootstrap import Bootstrap, paired_difference
from cupre_mm.utils.errors import BadConfigError


def test_percentile_interval_is_that_of_resampled_means():
    values = np.random.default_rng(1).normal(0.05, 0.1, 40)
    found = paired_difference(
        values, bootstrap=Bootstrap(4000, 0.9, 'percentile', seed=3)
    )
    draws = np.random.default_rng(9).integers(40, size=(20_000, 40))
    low, high = np.quantile(values[draws].mean(axis=1), [0.05, 0.95])
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(low, abs=0.003)
    assert found.high == pytest.approx(high, abs=0.003)
    assert found.num_images == 40


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        found = paired_difference(
            random.exponential(1.0, 60),
            bootstrap=Bootstrap(300, 0.8, 'BCa'),
        )
        covered += found.low <= 1.0 <= found.high
    assert 0.7 < covered / 200 < 0.9


def test_bca_follows_the_skew_that_percentile_leaves_out():
    values = np.random.default_rng(0).exponential(1.0, 25)
    bca, percentile = (
        paired_difference(values, bootstrap=Bootstrap(method=method))
        for method in ('BCa', 'percentile')
    )
    assert bca.high > percentile.high
    assert (bca.method, percentile.method) == ('BCa', 'percentile')


def test_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(0).normal(size=30)
    first, again, other = (
        paired_difference(values, bootstrap=Bootstrap(500, seed=seed))
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first.low != other.low


def test_shares_follow_the_direction_of_the_measure():
    values = np.array([1.0, 2.0, 0.0, -1.0])
    score = paired_difference(values)
    error = paired_difference(values, higher_is_better=False)
    assert (score.better, score.worse) == (0.5, 0.25)
    assert (error.better, error.worse) == (0.25, 0.5)
    assert score.mean == error.mean


def test_p_value_is_wilcoxons_with_zeros_and_without_rounding():
    zeros = [0.0] * 8
    equal = np.array([0.1, 0.2, -0.3, 0.3, 0.4, -0.5, 0.6, 0.1, *zeros])
    values = equal.copy()
    values[7] += 1e-16
    assert values[7] != equal[0]
    found = paired_difference(values).p_value
    counting, ignoring_zeros = (
        stats.wilcoxon(equal, zero_method=method).pvalue
        for method in ('pratt', 'wilcox')
    )
    assert found == pytest.approx(counting)
    assert found != pytest.approx(ignoring_zeros, rel=0.01)


def test_equal_differences_have_an_interval_of_one_point():
    found = paired_difference(np.full(5, 0.25))
    assert (found.low, found.mean, found.high) == (0.25, 0.25, 0.25)
    none = paired_difference(np.zeros(5))
    assert (none.low, none.high, none.p_value) == (0.0, 0.0, 1.0)
    assert (none.better, none.worse) == (0.0, 0.0)


def test_one_image_has_no_interval_and_no_image_nothing():
    one = paired_difference(np.array([0.5]))
    assert (one.mean, one.low, one.high) == (0.5, None, None)
    none = paired_difference(np.array([]))
    assert none.num_images == 0
    assert (none.mean, none.low, none.better, none.p_value) == (None,) * 4


def test_percentile_steps_in_where_bca_is_not_defined(monkeypatch):
    real = stats.bootstrap

    class Undefined:
        confidence_interval = (np.nan, np.nan)

    monkeypatch.setattr(
        stats,
        'bootstrap',
        lambda *args, method, **kwargs: (
            Undefined
            if method == 'BCa'
            else real(*args, method=method, **kwargs)
        ),
    )
    found = paired_difference(np.array([0.0, 1.0, 2.0]))
    assert found.method == 'percentile'
    assert found.low < 1.0 < found.high


@pytest.mark.parametrize(
    'values',
    [
        {'num_resamples': 10},
        {'confidence': 95},
        {'confidence': 0},
        {'method': 'normal'},
    ],
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(BadConfigError, match=str(next(iter(values.values())))):
        Bootstrap(**values)
