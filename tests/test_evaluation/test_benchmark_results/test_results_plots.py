"""Plots of a benchmark."""

import numpy as np
import pytest
from PIL import Image

from cupre_mm.evaluation.benchmark_results.grid import Arm, Grid
from cupre_mm.evaluation.benchmark_results.plot_style import (
    spread_out,
    styles,
)
from cupre_mm.evaluation.benchmark_results.results import collect
from cupre_mm.evaluation.benchmark_results.results_plots import save_plots


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ([1.0, 5.0], [1.0, 5.0]),
        ([3.0, 3.0], [2.5, 3.5]),
        ([3.0, 3.0, 3.0], [2.0, 3.0, 4.0]),
        ([9.8, 10.0], [9.0, 10.0]),
        ([0.0, 0.2], [0.0, 1.0]),
        ([], []),
    ],
)
def test_labels_are_moved_apart_and_stay_inside(values, expected):
    assert spread_out(values, 1.0, 0.0, 10.0) == pytest.approx(expected)


def test_no_two_arms_look_alike():
    arms = [Arm(str(i), str(i)) for i in range(22)]
    arms += [Arm('peer', 'peer', is_peer=True)]
    grid = Grid('', tuple(arms), (), {}, ('3',), {}, {})
    looks = [tuple(style.values()) for style in styles(grid).values()]
    assert len({*looks}) == len(arms)
    without_colour = [look[1:] for look in looks]
    assert len({*without_colour}) == len(arms)


def test_pictures_of_what_is_gone_are_removed(benchmark):
    benchmark.add('coco', quality=0.5)
    benchmark.add('amt2', quality=1.0)
    benchmark.write_grid()
    folder = benchmark.folder / 'plots'
    folder.mkdir()
    for name in ('gain_over_older.png', 'learning_curves.png', 'mine.png'):
        (folder / name).write_bytes(b'')
    plots = save_plots(folder, collect(benchmark.folder, bootstrap=None))
    names = [plot.path.name for plot in plots]
    assert names == ['ap_by_labels.png', 'gain_over_coco.png']
    assert {path.name for path in folder.iterdir()} == {*names, 'mine.png'}


def test_pictures_are_drawn_on_white(benchmark):
    for arm in ('coco', 'amt2'):
        benchmark.add(arm)
    benchmark.write_grid()
    results = collect(benchmark.folder, bootstrap=None)
    for plot in save_plots(benchmark.folder / 'plots', results):
        pixels = np.asarray(Image.open(plot.path).convert('RGB'))
        assert (pixels[0, 0] == 255).all()
        assert (pixels < 100).any()
