"""What the gains of a benchmark are said to be."""

import pytest

from cupre_mm.evaluation.benchmark_results.gain_sections import (
    gain_sections,
    read_gain,
)
from cupre_mm.evaluation.benchmark_results.gains import Gain, Interval
from cupre_mm.evaluation.benchmark_results.grid import Arm, Grid, Size
from cupre_mm.evaluation.benchmark_results.results import Results
from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from tests.result_pages import rows_of

SIZES = (Size('pct', 5.0), Size('pct', 20.0))


def make_gain(low: float, high: float, *seeds: int, size='5pct') -> Gain:
    mean = (low + high) / 2
    interval = Interval(low, high, 0.0, with_seeds=len(seeds) > 1)
    by_seed = dict.fromkeys(seeds, mean)
    return Gain('amt2', 'coco', size, 'bbox', by_seed, interval)


def page_with(*gains: Gain) -> str:
    arms = (Arm('coco', 'COCO'), Arm('amt2', 'AMT2'))
    grid = Grid('Test', arms, SIZES, {}, ('coco',), {}, {})
    bootstrap = Bootstrap(100, method='percentile')
    results = Results(grid, [], {}, [*gains], bootstrap=bootstrap)
    return '\n\n'.join(gain_sections(results))


@pytest.mark.parametrize(
    ('ends', 'seeds', 'reading'),
    [
        ((0.01, 0.03), (0, 1), 'better'),
        ((-0.03, -0.01), (0, 1), 'worse'),
        ((-0.01, 0.03), (0, 1), 'not told apart'),
        ((0.01, 0.03), (0,), 'higher on these images (one seed)'),
        ((-0.03, -0.01), (0,), 'lower on these images (one seed)'),
        ((-0.01, 0.03), (0,), 'not told apart'),
    ],
)
def test_better_takes_several_seeds(ends, seeds, reading):
    assert read_gain(make_gain(*ends, *seeds)) == reading


def test_only_gains_of_several_seeds_are_bold():
    page = page_with(
        make_gain(0.01, 0.03, 0, 1), make_gain(0.01, 0.03, 0, size='20pct')
    )
    assert rows_of(page, 'AMT2')[0] == [
        'AMT2',
        '**+2.0** [+1.0, +3.0] (2)',
        '+2.0 [+1.0, +3.0] (1)',
    ]


def test_how_well_few_seeds_are_covered_is_told_where_there_are_several():
    told = '61 % of the cases with 2 seeds'
    assert told in page_with(make_gain(0.01, 0.03, 0, 1))
    assert told not in page_with(make_gain(0.01, 0.03, 0))
