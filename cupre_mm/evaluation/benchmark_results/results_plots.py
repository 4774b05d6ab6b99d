"""Plots of a benchmark: AP by labels, gains and learning curves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from cupre_mm.utils.figure_files import save_figure

from .ap_plot import draw_ap
from .gains import Gain
from .learning_curves import Curve
from .plot_style import DPI, NAMES, RC, styles, tidy
from .results import Results
from .score_summary import METRICS

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator


class Plot(NamedTuple):
    """A plot that was written.

    Attributes:
        path (Path): The picture.
        title (str): What it shows.
        caption (str): How to read it.
    """

    path: Path
    title: str
    caption: str


def save_plots(folder: Path, results: Results) -> list[Plot]:
    """Draw what there are results for; older pictures of the rest go.

    Args:
        folder (Path): Where to.
        results (Results): The results.

    Returns:
        list[Plot]: The plots.
    """
    plots = []
    drawings = {
        'ap_by_labels.png': _ap_by_labels,
        'learning_curves.png': _learning_curves,
    }
    for baseline in results.grid.baselines:
        drawings[f'gain_over_{baseline}.png'] = _gains_over(baseline)
    for old in folder.glob('gain_over_*.png'):
        if old.name not in drawings:
            old.unlink()
    for name, draw in drawings.items():
        path = folder / name
        with plt.rc_context(RC):
            drawn = draw(results)
            if drawn is None:
                path.unlink(missing_ok=True)
                continue
            figure, title, caption = drawn
            try:
                save_figure(figure, path, dpi=DPI)
            finally:
                plt.close(figure)
        plots.append(Plot(path, title, caption))
    return plots


_Drawn = tuple[Figure, str, str]


def _ap_by_labels(results: Results) -> _Drawn | None:
    metrics = [
        metric
        for metric in METRICS
        if any(score == f'{metric}_mAP' for *_, score in results.summary)
    ]
    if not metrics:
        return None
    num_arms = len({arm for arm, *_ in results.summary})
    figure, axes = plt.subplots(
        1,
        len(metrics),
        # The names of all arms stand one above the other.
        figsize=(5.6 * len(metrics), max(4.3, 1.3 + 0.19 * num_arms)),
        squeeze=False,
        layout='constrained',
    )
    for axis, metric in zip(axes[0], metrics):
        draw_ap(axis, results, metric)
    unit = results.grid.sizes[0].unit
    what = 'share of labelled images' if unit == 'pct' else 'labelled images'
    title = f'AP against the {what}'
    figure.suptitle(f'{results.grid.title}: {title}', fontsize=12)
    figure.supxlabel(
        f'{what}{" (%)" if unit == "pct" else ""}, log scale', fontsize=11
    )
    return (
        figure,
        title,
        'Lines: mean over the seeds. Small points: single seeds. Bars: ± one '
        'standard deviation over the seeds; a point without one is of one '
        'seed. The arms of a size stand side by side, so that their bars can '
        'be seen.',
    )


def _gains_over(baseline: str) -> Callable[[Results], '_Drawn | None']:
    def draw(results: Results) -> _Drawn | None:
        gains = [gain for gain in results.gains if gain.baseline == baseline]
        if not gains:
            return None
        return _draw_gains(results, baseline, gains)

    return draw


def _draw_gains(results: Results, baseline: str, gains: list[Gain]) -> _Drawn:
    grid = results.grid
    metrics = [m for m in METRICS if any(gain.metric == m for gain in gains)]
    rows = [
        (size.name, arm.name)
        for size in grid.sizes
        for arm in grid.arms
        if any((g.size, g.arm) == (size.name, arm.name) for g in gains)
    ]
    sizes = list(dict.fromkeys(size for size, _ in rows))
    # Half a row between sizes.
    places = {row: i + 0.6 * sizes.index(row[0]) for i, row in enumerate(rows)}
    height = max(places.values()) + 1
    figure, axes = plt.subplots(
        1,
        len(metrics),
        figsize=(2.2 + 4.2 * len(metrics), 1.5 + 0.32 * height),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout='constrained',
    )
    axes[0][0].xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    style_of = styles(grid)
    for axis, metric in zip(axes[0], metrics):
        tidy(axis)
        axis.axvline(0, color='black', linewidth=1.0)
        for gain in gains:
            if gain.metric == metric:
                place = places[gain.size, gain.arm]
                _draw_gain(axis, place, gain, style_of[gain.arm])
        axis.set_title(NAMES[metric], fontsize=11, loc='left')
    titles = {size.name: size.title for size in grid.sizes}
    axes[0][0].set_yticks(
        [places[row] for row in rows],
        [f'{grid.arm(arm).title}, {titles[size]}' for size, arm in rows],
        fontsize=10,
    )
    axes[0][0].set_ylim(height - 0.4, -0.6)
    name = grid.arm(baseline).title
    title = f'Gain over {name}'
    figure.suptitle(f'{grid.title}: gain over {name}', fontsize=12)
    figure.supxlabel(
        'difference in AP (times 100), better to the right', fontsize=11
    )
    level = 100 * (results.bootstrap.confidence if results.bootstrap else 0)
    return (
        figure,
        title,
        f'Large markers: mean over the seeds. Lines: its {level:g} % '
        'bootstrap interval; filled markers: over test images and seeds, '
        'hollow ones: over test images alone, as there is one seed. Small '
        'points: single seeds.',
    )


def _draw_gain(
    axis: Axes, place: float, gain: Gain, style: dict[str, Any]
) -> None:
    color, mean = style['color'], 100 * gain.mean
    interval = gain.interval
    if interval is not None:
        axis.plot(
            [100 * interval.low, 100 * interval.high],
            [place, place],
            color=color,
            linewidth=2.2,
            solid_capstyle='butt',
        )
    single = len(gain.by_seed) == 1
    axis.plot(
        [mean],
        [place],
        marker=style['marker'],
        color=color,
        markerfacecolor='white' if single else color,
        markersize=8,
        linestyle='',
        zorder=3,
    )
    if not single:
        values = 100 * np.array([*gain.by_seed.values()])
        axis.scatter(
            values,
            np.full(len(values), place + 0.24),
            color=color,
            s=9,
            linewidths=0,
        )


def _learning_curves(results: Results) -> _Drawn | None:
    curves = [curve for curve in results.curves if curve.steps]
    if not curves:
        return None
    sizes = [
        size
        for size in results.grid.sizes
        if any(curve.size == size.name for curve in curves)
    ]
    kinds = [
        kind
        for kind in ('loss', *METRICS)
        if any(curve.what == kind for curve in curves)
    ]
    figure, axes = plt.subplots(
        len(kinds),
        len(sizes),
        figsize=(1.2 + 3.2 * len(sizes), 0.9 + 2.8 * len(kinds)),
        squeeze=False,
        sharex='col',
        sharey='row',
        layout='constrained',
    )
    style_of, drawn = styles(results.grid), {}
    for line, kind in zip(axes, kinds):
        for axis, size in zip(line, sizes):
            tidy(axis)
            for curve in curves:
                if (curve.what, curve.size) == (kind, size.name):
                    drawn[curve.arm] = _draw_curve(
                        axis, curve, style_of[curve.arm]
                    )
        line[0].set_ylabel(
            'training loss'
            if kind == 'loss'
            else f'validation AP_{kind}\n(times 100)'
        )
    for axis, size in zip(axes[0], sizes):
        axis.set_title(size.label, fontsize=11, loc='left')
    for axis in axes[-1]:
        axis.set_xlabel('iteration')
    names = [arm for arm in results.grid.arms if arm.name in drawn]
    figure.legend(
        [drawn[arm.name] for arm in names],
        [arm.title for arm in names],
        loc='outside lower center',
        ncols=min(len(names), 4),
        frameon=False,
    )
    title = 'Learning curves'
    figure.suptitle(f'{results.grid.title}: fine-tuning', fontsize=12)
    shown = 'the training loss'
    if len(kinds) > 1:
        shown += ' and the AP of the validation part'
    return figure, title, f'Mean over the seeds of {shown}.'


def _draw_curve(axis: Axes, curve: Curve, style: dict[str, Any]) -> Line2D:
    scale = 1 if curve.what == 'loss' else 100
    return axis.plot(
        curve.steps,
        scale * np.array(curve.means),
        **style,
        markersize=5,
        # A few markers tell the lines apart without colour.
        markevery=max(len(curve.steps) // 5, 1),
        linewidth=1.6,
    )[0]
