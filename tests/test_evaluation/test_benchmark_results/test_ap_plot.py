"""AP against the number of labels, with the spread of the seeds."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PolyCollection

from cupre_mm.evaluation.benchmark_results.ap_plot import draw_ap
from cupre_mm.evaluation.benchmark_results.results import collect


@pytest.fixture
def drawn(benchmark):
    """A panel: COCO has two seeds at 5 %, AMT2 has them at 5 and 20 %."""
    aps = {
        ('coco', '5pct'): (0.2, 0.4),
        ('coco', '20pct'): (0.5,),
        ('amt2', '5pct'): (0.4, 0.5),
        ('amt2', '20pct'): (0.6, 0.62),
        ('scratch', '5pct'): (0.1,),
    }
    for (arm, size), values in aps.items():
        for seed, ap in enumerate(values):
            metrics = {'coco/bbox_mAP': ap}
            benchmark.add(arm, size, seed, metrics=metrics)
    benchmark.write_grid()
    figure, axis = plt.subplots()
    draw_ap(axis, collect(benchmark.folder, bootstrap=None), 'bbox')
    yield axis
    plt.close(figure)


def bars_of(axis) -> list[tuple[float, float, float]]:
    """Place, lower and upper end of each error bar."""
    found = []
    for container in axis.containers:
        (lines,) = container.lines[2]
        for (x, low), (_, high) in lines.get_segments():
            found.append((float(x), float(low), float(high)))
    return found


def test_bars_stand_where_there_are_several_seeds_only(drawn):
    half = 100 * 0.1 / 2**0.5
    bars = bars_of(drawn)
    assert [ends for _, *ends in bars] == [
        pytest.approx([30 - 2 * half, 30 + 2 * half]),
        pytest.approx([45 - half, 45 + half]),
        pytest.approx([61 - half / 5, 61 + half / 5]),
    ]
    assert [min((5, 20), key=lambda n: abs(n - x)) for x, *_ in bars] == [
        *(5, 5, 20)
    ]
    # A band would tell of a spread between the sizes.
    bands = [c for c in drawn.collections if isinstance(c, PolyCollection)]
    assert bands == []


def test_bars_of_a_size_do_not_hide_each_other(drawn):
    first, second, _ = (x for x, *_ in bars_of(drawn))
    assert 0.05 < abs(np.log(second / first)) < 0.3
    assert abs(np.log(first * second / 25)) < 0.3
