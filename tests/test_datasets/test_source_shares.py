import math

import pytest

from cupre_mm.datasets.source_shares import cap_repeats, tempered_shares

COUNTS = dict(large=9000, middle=900, small=100)


def test_temperature_one_is_proportional():
    assert tempered_shares(COUNTS, 1) == pytest.approx(
        dict(large=0.9, middle=0.09, small=0.01)
    )


def test_infinite_temperature_makes_all_equal():
    shares = tempered_shares(COUNTS, math.inf)
    assert set(shares.values()) == {1 / 3}


def test_temperature_two_takes_the_square_root():
    shares = tempered_shares(COUNTS, 2)
    root = math.sqrt(9000) + 30 + 10
    assert shares == pytest.approx(
        dict(large=math.sqrt(9000) / root, middle=30 / root, small=10 / root)
    )


def test_huge_counts_do_not_overflow():
    shares = tempered_shares(dict(a=1e308, b=1e308), 1)
    assert shares == dict(a=0.5, b=0.5)


def test_small_source_neither_vanishes_nor_dominates():
    previous = 0.0
    for temperature in (1, 2, 5, math.inf):
        share = tempered_shares(COUNTS, temperature)['small']
        assert previous < share <= 1 / 3
        previous = share


def test_capped_source_hands_its_share_on_in_proportion():
    shares = cap_repeats(tempered_shares(COUNTS, math.inf), COUNTS, 20)
    assert shares == pytest.approx(dict(large=0.4, middle=0.4, small=0.2))


def test_source_that_comes_above_the_cap_by_that_is_capped_too():
    counts = dict(large=80, middle=15, small=5)
    # Of the equal thirds 'small' may keep 10 %; the rest would then give
    # 'middle' 45 %, and it may have 30 %.
    shares = cap_repeats(tempered_shares(counts, math.inf), counts, 2)
    assert shares == pytest.approx(dict(large=0.6, middle=0.3, small=0.1))
    assert list(shares) == list(counts)


def test_cap_of_one_is_proportional():
    shares = cap_repeats(tempered_shares(COUNTS, 5), COUNTS, 1)
    assert shares == pytest.approx(tempered_shares(COUNTS, 1))


def test_cap_that_no_source_reaches_changes_nothing():
    shares = tempered_shares(COUNTS, 2)
    assert cap_repeats(shares, COUNTS, 100) == pytest.approx(shares)
