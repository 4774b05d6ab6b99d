"""Plots of a test report, drawn from what its ``report.json`` holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from cupre_mm.utils.figure_files import save_figure

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart with any colour vision.
_BLUE, _ORANGE, _GREEN, _GRAY = '#0072b2', '#d55e00', '#009e73', '#767676'
_COLORS = {'bbox': _ORANGE, 'segm': _BLUE}
_MARKERS = {'bbox': 's', 'segm': 'o'}
_NAMES = {'bbox': 'boxes', 'segm': 'masks'}
_SHOWN_IOUS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9)


@dataclass(frozen=True)
class Plot:
    """A plot that was written.

    Attributes:
        path (Path): The picture.
        title (str): What it shows.
        caption (str): How to read it, in a sentence or two.
    """

    path: Path
    title: str
    caption: str


def save_plots(
    folder: str | Path,
    details: Mapping[str, Any],
    images: Sequence[Mapping[str, Any]],
) -> tuple[list[Plot], list[str]]:
    """Draw every plot that there is data for.

    Args:
        folder (str | Path): Where to; made if it does not exist.
        details (Mapping): ``details`` of a report.
        images (Sequence[Mapping]): Its rows of images.

    Returns:
        tuple[list[Plot], list[str]]: The plots, and a sentence for each that
        was left out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plots, left_out = [], []
    for name, title, draw in (
        ('precision_recall', 'Precision and recall', _precision_recall),
        ('ap_by_iou', 'AP against IoU threshold', _ap_by_iou),
        ('recall_by_size', 'Recall by size of the cell', _recall_by_size),
        ('calibration', 'Calibration of the scores', _calibration),
        ('counts', 'Cell count, predicted against true', _counts),
    ):
        with plt.rc_context({'font.size': 10, 'axes.grid': True}):
            try:
                caption = _save(
                    folder / f'{name}.png', title, draw, details, images
                )
            except _NothingToDrawError as reason:
                left_out.append(f'No plot "{title}": {reason}.')
                continue
        plots.append(Plot(folder / f'{name}.png', title, caption))
    return plots, left_out


class _NothingToDrawError(Exception):
    """Why a plot has nothing to show."""


def _save(
    path: Path, title: str, draw: Callable, details: Mapping, images: Sequence
) -> str:
    figure, axis = plt.subplots(figsize=(5.6, 4.2), layout='constrained')
    axis.grid(color='#e3e3e3', linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)
    axis.set_title(title, fontsize=11, loc='left')
    try:
        caption = draw(axis, details, images)
        save_figure(figure, path, dpi=120)
    finally:
        plt.close(figure)
    return caption


def _precision_recall(axis: Axes, details: Mapping, images: Sequence) -> str:
    metric = 'segm' if 'segm' in details['precision'] else 'bbox'
    precision = np.array(details['precision'].get(metric, []), float)
    if precision.size == 0 or (precision < 0).all():
        raise _NothingToDrawError('no instance in the ground truth')
    recall = np.array(details['recall_thrs'], float)
    ious = np.array(details['iou_thrs'], float)
    shown = [i for i, iou in enumerate(ious) if _among(iou, _SHOWN_IOUS)]
    shown = shown or list(range(len(ious)))
    colors = matplotlib.colormaps['viridis'](np.linspace(0, 0.85, len(shown)))
    for i, color in zip(shown, colors):
        # Beyond the highest recall that was reached COCO's precision is 0.
        line = np.where(precision[i] > 0, precision[i], np.nan)
        axis.plot(recall, line, color=color, label=f'{ious[i]:.2f}')
    _unit(axis, 'recall', 'precision')
    axis.legend(title='IoU at least', fontsize=8, title_fontsize=8)
    return (
        f'Precision (share of detections that are right) of {_NAMES[metric]} '
        'against recall (share of cells that are found) while the score '
        'threshold falls, for matches of rising quality; a line ends at the '
        'highest recall that the model reaches, and nearer to the upper '
        'right is better.'
    )


def _ap_by_iou(axis: Axes, details: Mapping, images: Sequence) -> str:
    ious = np.array(details['iou_thrs'], float)
    drawn = []
    for metric, values in details['ap_by_iou'].items():
        values = np.array(values, float)
        if (values >= 0).any():
            axis.plot(
                ious,
                100 * np.where(values < 0, np.nan, values),
                color=_COLORS.get(metric, _GRAY),
                marker=_MARKERS.get(metric, '^'),
                label=_NAMES.get(metric, metric),
            )
            drawn.append(metric)
    if not drawn:
        raise _NothingToDrawError('no instance in the ground truth')
    axis.set(xlabel='IoU threshold', ylabel='AP (times 100)', ylim=(0, 100))
    axis.legend(fontsize=8)
    return (
        'Average precision when a match must reach the IoU below; a steep '
        'fall to the right means that cells are found but their outlines '
        'are inexact.'
    )


def _recall_by_size(axis: Axes, details: Mapping, images: Sequence) -> str:
    bins, drawn = details['recall_by_size'], []
    width = 0.8 / max(len(bins), 1)
    for number, (metric, rows) in enumerate(bins.items()):
        for place, (_, _, _, recall) in enumerate(rows):
            at = place + (number - (len(bins) - 1) / 2) * width
            drawn.append(recall)
            if recall < 0:
                axis.annotate('none', (at, 1), ha='center', fontsize=8)
                continue
            axis.bar(
                at,
                100 * recall,
                0.92 * width,
                color=_COLORS.get(metric, _GRAY),
                label=_NAMES.get(metric, metric),
            )
            axis.annotate(
                f'{100 * recall:.0f}', (at, 100 * recall + 1), ha='center'
            )
        axis.set_xlim(-0.5, len(rows) - 0.5)
        axis.set_xticks(
            range(len(rows)),
            [f'{n}\n{_range(low, high)}' for n, low, high, _ in rows],
            fontsize=9,
        )
    if not any(recall >= 0 for recall in drawn):
        raise _NothingToDrawError('no instance in the ground truth')
    axis.set(ylabel='average recall (times 100)', ylim=(0, 108))
    axis.grid(visible=False, axis='x')
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles))
    axis.legend(unique.values(), unique.keys(), fontsize=8)
    return (
        'Share of the cells of each size (area in pixels) that are found at '
        'any score, averaged over the IoU thresholds; "none" marks sizes '
        'that the ground truth does not hold.'
    )


def _calibration(axis: Axes, details: Mapping, images: Sequence) -> str:
    found = details['calibration']
    counts = np.array(found['count'])
    if not counts.sum():
        raise _NothingToDrawError('no detections')
    edges = np.array(found['edges'])
    precision = np.array(found['precision'], float)
    some = counts > 0
    bars = axis.bar(
        edges[:-1][some],
        precision[some],
        np.diff(edges)[some],
        align='edge',
        color=_BLUE,
        alpha=0.75,
        edgecolor='white',
    )
    for bar, count in zip(bars, counts[some]):
        middle = bar.get_x() + bar.get_width() / 2
        axis.annotate(
            f'{count:,}',
            (middle, bar.get_height() + 0.025),
            ha='center',
            fontsize=7,
        )
    axis.plot([0, 1], [0, 1], color=_ORANGE, linestyle='--')
    axis.scatter(
        np.array(found['score'])[some],
        precision[some],
        s=18,
        color='black',
        zorder=3,
        label='mean score of the bin',
    )
    _unit(axis, 'score', 'precision at IoU 0.5')
    axis.legend(fontsize=8, loc='upper left')
    return (
        'Share of right detections (IoU at least 0.5 with a cell of their '
        'own) by score, with the number of detections above each bar: on '
        'the dashed line a score of 0.8 means right in 8 of 10 cases, below '
        'it the model is too sure. Expected calibration error '
        f'{found["ece"]:.3f}, over detections of any score.'
    )


def _counts(axis: Axes, details: Mapping, images: Sequence) -> str:
    if not images:
        raise _NothingToDrawError('no images')
    true = np.array([row['cells'] for row in images], float)
    predicted = np.array([row['detections'] for row in images], float)
    top = max(true.max(), predicted.max(), 1)
    # Dense images would crowd the sparse ones into a corner.
    if top > 100:
        axis.set_xscale('symlog', linthresh=10)
        axis.set_yscale('symlog', linthresh=10)
    axis.plot([0, top], [0, top], color=_ORANGE, linestyle='--')
    axis.scatter(true, predicted, s=20, alpha=0.6, color=_BLUE)
    margin = 1.4 if top > 100 else 1.06
    ends = (-0.6 if top > 100 else -0.03 * top, margin * top)
    axis.set(xlabel='cells in the ground truth', ylabel='detections')
    axis.set(xlim=ends, ylim=ends)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(
            matplotlib.ticker.FuncFormatter(lambda value, _: f'{value:,.0f}')
        )
    error = np.abs(predicted - true).mean()
    return (
        'A dot an image: detections with a score of '
        f'{details["score_thr"]:g} or more against cells; below the dashed '
        'line cells are undercounted. Mean absolute error '
        f'{error:.1f} cells an image, {predicted.sum():,.0f} detections for '
        f'{true.sum():,.0f} cells in all, '
        'overlapping ones not resolved.'
    )


def _unit(axis: Axes, xlabel: str, ylabel: str) -> None:
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, 1), ylim=(0, 1.06))


def _among(value: float, values: Sequence[float]) -> bool:
    return bool(np.isclose(value, values).any())


def _range(low: float, high: float) -> str:
    if high >= 1e9:
        return f'from {low:,.0f} px' if low else 'all'
    return f'{low:,.0f} to {high:,.0f} px'
