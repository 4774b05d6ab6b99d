"""AP against the number of labels, the spread of the seeds with it."""

from collections.abc import Iterable

import matplotlib
import numpy as np

from .plot_style import NAMES, label_ends, styles, tidy
from .results import Results

matplotlib.use('Agg')
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

# Points of AP that an axis shows at least.
_LEAST_SPAN = 5.0
# Logarithm of the factor between a size and the arm farthest beside it.
_MOST_ASIDE = 0.14


def draw_ap(axis: Axes, results: Results, metric: str) -> None:
    """Draw a line for each arm.

    Error bars, not a band: between a size with several seeds and one with a
    single seed nothing is known of the spread.

    Args:
        axis (Axes): The panel.
        results (Results): The results.
        metric (str): ``'bbox'`` or ``'segm'``.
    """
    style_of = styles(results.grid)
    numbers = {size.name: size.number for size in results.grid.sizes}
    found = {arm for arm, *_ in results.summary}
    arms = [arm for arm in results.grid.arms if arm.name in found]
    ends = []
    tidy(axis)
    for arm, factor in zip(arms, _side_by_side(len(arms), numbers.values())):
        style = style_of[arm.name]
        spreads = [
            (
                number * factor,
                results.summary.get((arm.name, name, f'{metric}_mAP')),
            )
            for name, number in numbers.items()
        ]
        spreads = [(x, spread) for x, spread in spreads if spread]
        if not spreads:
            continue
        x = [place for place, _ in spreads]
        mean = [100 * spread.mean for _, spread in spreads]
        axis.plot(x, mean, **style, markersize=7, linewidth=1.8)
        several = [one for one in spreads if one[1].sd is not None]
        if several:
            axis.errorbar(
                [place for place, _ in several],
                [100 * spread.mean for _, spread in several],
                [100 * spread.sd for _, spread in several],
                fmt='none',
                color=style['color'],
                linewidth=1.3,
                capsize=3,
            )
        for place, spread in spreads:
            values = 100 * np.array([*spread.values.values()])
            axis.scatter(
                np.full(len(values), place),
                values,
                color=style['color'],
                s=10,
                alpha=0.6,
                linewidths=0,
            )
        ends.append((x[-1], mean[-1], arm.title, style['color']))
    axis.set_xscale('log')
    axis.set_xticks([*numbers.values()], [f'{n:g}' for n in numbers.values()])
    axis.xaxis.set_minor_locator(NullLocator())
    least, most = min(numbers.values()), max(numbers.values())
    axis.set_xlim(least / 1.3, most * 1.3)
    low, high = axis.get_ylim()
    # Small differences are not to look like large ones.
    lacking = max(_LEAST_SPAN - (high - low), 0) / 2
    axis.set_ylim(low - lacking, high + lacking)
    axis.set_ylabel('AP (times 100)')
    axis.set_title(NAMES[metric], fontsize=11, loc='left')
    axis.figure.canvas.draw()
    label_ends(axis, ends)


def _side_by_side(num_arms: int, numbers: Iterable[float]) -> np.ndarray:
    """Factors that keep the bars of the arms at a size apart, (A,)."""
    steps = np.diff(np.log(sorted(numbers)))
    aside = min([_MOST_ASIDE, *(steps / 4)])
    if num_arms == 1:
        return np.ones(1)
    return np.exp(np.linspace(-aside, aside, num_arms))
