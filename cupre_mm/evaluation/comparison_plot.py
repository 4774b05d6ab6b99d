"""Plots paired differences of models to a baseline, image by image."""

from pathlib import Path

import matplotlib
import numpy as np

from cupre_mm.utils.figure_files import save_figure

from .report_comparison import MEASURES, Comparison, PairedResult

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_BETTER, _WORSE, _EQUAL = '#0072b2', '#d55e00', '#999999'
# Half the width of the band that the images of a model are spread over.
_SPREAD = 0.28


def save_comparison_plot(path: str | Path, comparison: Comparison) -> Path:
    """Plot one dot an image, and the mean with its interval.

    Args:
        path (str | Path): Picture file to write.
        comparison (Comparison): What was found, with paired differences.

    Returns:
        Path: The file.
    """
    measures = list(dict.fromkeys(one.measure for one in comparison.paired))
    names = list(dict.fromkeys(one.name for one in comparison.paired))
    figure, axes = plt.subplots(
        1,
        len(measures),
        figsize=(4.2 * len(measures), 1.9 + 0.75 * len(names)),
        sharey=True,
        squeeze=False,
        layout='constrained',
    )
    for axis, measure in zip(axes[0], measures):
        for one in comparison.paired:
            if one.measure == measure:
                _draw(axis, names.index(one.name), one)
        _label(axis, measure)
    axes[0][0].set_yticks(range(len(names)), names)
    axes[0][0].set_ylim(len(names) - 0.5, -0.5)
    level = f'{100 * comparison.bootstrap.confidence:g} %'
    figure.suptitle(
        f'Difference to {comparison.baseline.name} on the same images:'
        f'{" " if len(measures) > 1 else chr(10)}'
        f'a dot an image; mean and {level} bootstrap interval',
        fontsize=10,
    )
    figure.supxlabel(
        'The interval covers the choice of test images,\n'
        'not of the training seed.',
        fontsize=8,
    )
    save_figure(figure, path, dpi=120)
    plt.close(figure)
    return Path(path)


def _draw(axis: Axes, row: int, one: PairedResult) -> None:
    measure = MEASURES[one.measure]
    scale = 1 if measure.is_error else 100
    values = scale * np.array([*one.differences.values()])
    gains = values if measure.higher_is_better else -values
    colours = np.select([gains > 0, gains < 0], [_BETTER, _WORSE], _EQUAL)
    # Spread evenly, and alike for all models, so that dots can be followed.
    places = np.random.default_rng(0).permutation(len(values))
    offsets = (places / max(len(values) - 1, 1) - 0.5) * 2 * _SPREAD
    axis.scatter(
        values, row + offsets, c=colours, s=9, alpha=0.45, linewidths=0
    )
    found = one.estimate
    if found.mean is None:
        return
    mean = scale * found.mean
    error = None
    if found.low is not None:
        # Rounding may put the mean past an end of a very narrow interval.
        ends = (mean - scale * found.low, scale * found.high - mean)
        error = np.maximum(ends, 0).reshape(2, 1)
    axis.errorbar(
        [mean],
        [row],
        xerr=error,
        fmt='D',
        color='black',
        markersize=5,
        capsize=4,
        linewidth=1.6,
        zorder=3,
    )


def _label(axis: Axes, key: str) -> None:
    measure = MEASURES[key]
    axis.axvline(0, color='black', linewidth=0.8, linestyle=':', zorder=0)
    axis.set_title(measure.label, fontsize=10)
    side = 'right' if measure.higher_is_better else 'left'
    unit = 'cells' if measure.is_error else 'points'
    axis.set_xlabel(f'{unit}; better to the {side}', fontsize=9)
    axis.grid(axis='x', linewidth=0.4, alpha=0.5)
