import pytest

from cupre_mm.utils.pair_benchmark.pair_timings import spread, summarize, table
from cupre_mm.utils.pair_benchmark.random_batches import BatchSizes

SIZES = BatchSizes(images=4, image_size=(256, 320), views=32, view_size=96)


def measured(pair: list[float], difference: float = 1e-6) -> dict:
    return dict(
        seconds=dict(pair=pair, moco=[0.5, 0.5, 0.5], det=[1.5, 1.4, 1.5]),
        peak_memory=None,
        loss_difference=difference,
        queue=768,
    )


def test_spread_of_odd_and_single_measurements():
    assert spread([3.0, 1.0, 2.0]) == dict(
        median=2.0, q25=1.5, q75=2.5, min=1.0, max=3.0
    )
    assert set(spread([4.0]).values()) == {4.0}


def test_ratio_pairs_each_repeat_with_its_own_stock_steps():
    summary = summarize(measured([2.0, 1.9, 4.0]), SIZES, 1e-3)
    assert summary['samples']['ratio'] == [1.0, 1.0, 2.0]
    assert summary['ratio']['median'] == 1.0
    assert summary['ratio']['max'] == 2.0
    assert summary['seconds']['moco + det']['median'] == 2.0
    assert summary['images_per_second'] == dict(moco=16.0, det=2.0)


@pytest.mark.parametrize(('factor', 'met'), [(1.04, True), (1.06, False)])
def test_target_is_on_the_median_ratio(factor, met):
    pair = [factor * 2.0, factor * 1.9, factor * 2.0]
    summary = summarize(measured(pair), SIZES, 1e-3)
    assert summary['met'] is met


@pytest.mark.parametrize(
    ('difference', 'same'), [(1e-6, True), (0.1, False), (float('nan'), False)]
)
def test_sides_whose_losses_differ_do_other_work(difference, same):
    given = measured([2.0, 2.0, 2.0], difference)
    assert summarize(given, SIZES, 1e-3)['same_work'] is same


def test_table_says_what_was_measured_and_whether_it_is_enough():
    given = {**measured([2.2, 2.1, 2.2]), 'peak_memory': dict(pair=2**31)}
    summary = dict(
        machine='some CPU, 2 cores',
        threads=2,
        amp=False,
        repeats=3,
        sizes=dict(images=4, image_size=(256, 320), views=32, view_size=96),
        **summarize(given, SIZES, 1e-3),
    )
    text = table(summary)
    rows = [line for line in text.splitlines() if line.startswith('|')]
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 2 + 5
    assert '4 images of 256 x 320 px' in text
    assert 'some CPU, 2 cores, 2 threads, float32, 3 repeats' in text
    assert 'AMT2 pair 2.00' in text
    assert 'Ratio 1.100; target at most 1.05: NOT met.' in text
