"""Plots of a data set's statistics, written as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from cupre_mm.utils.figure_files import save_figure

matplotlib.use('Agg')
from matplotlib import pyplot as plt

_BINS = 40
_MOST_STRATA = 10


def plot_instances(
    path: Path,
    counts: np.ndarray,
    sizes: np.ndarray,
    image_of: np.ndarray,
    strata: np.ndarray | None,
    title: str,
) -> Path:
    """Plot instances an image and their sizes as stored.

    Args:
        path (Path): File to write.
        counts (np.ndarray): Instances of each image, (M,).
        sizes (np.ndarray): Root of the area of each instance in pixels,
            (N,).
        image_of (np.ndarray): Image of each instance, (N,).
        strata (np.ndarray, optional): Group of each image, (M,). The ten
            largest groups are drawn apart, the rest together.
        title (str): Title of the figure.

    Returns:
        Path: The file.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 3.4), layout='constrained'
    )
    names = _grouped(strata, len(counts))
    groups = {name: names == name for name in dict.fromkeys(names.tolist())}
    edges = _log_edges(sizes)
    left.hist(
        [counts[mine] for mine in groups.values()],
        bins=_BINS,
        stacked=True,
        label=list(groups),
    )
    left.set(xlabel='instances of an image', ylabel='images')
    right.hist(
        [sizes[mine[image_of]] for mine in groups.values()],
        bins=edges,
        stacked=True,
        label=list(groups),
    )
    right.set(
        xlabel='root of mask area [px, as stored]',
        ylabel='instances',
        xscale='log',
    )
    _plain_ticks(right, edges)
    if strata is not None:
        right.legend(fontsize=7)
    return _save(figure, path, title)


def plot_anchors(
    path: Path,
    sides: np.ndarray,
    ious: np.ndarray,
    found: Mapping[str, Any],
    title: str,
) -> Path:
    """Plot box sizes against anchors, and how well these fit.

    Args:
        path (Path): File to write.
        sides (np.ndarray): Root of the area of each box as the network sees
            it, (K,).
        ious (np.ndarray): Its best IoU with an anchor, (K,).
        found (Mapping[str, Any]): What ``describe_anchors`` gave.
        title (str): Title of the figure.

    Returns:
        Path: The file.
    """
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(13, 3.6), layout='constrained'
    )
    edges = _log_edges(sides)
    left.hist(sides, bins=edges, color='tab:blue')
    for side in found['anchor_sides']:
        left.axvline(side, color='tab:red', linewidth=1)
    left.set(
        xlabel='root of box area [px, as the network sees it]',
        ylabel='boxes',
        xscale='log',
    )
    left.set_title('red: anchors', fontsize=9)
    _plain_ticks(left, edges)
    middle.hist(ious, bins=np.linspace(0, 1, 51), color='tab:blue')
    for key, color in (
        ('min_pos_iou', 'tab:red'),
        ('pos_iou_thr', 'tab:green'),
    ):
        middle.axvline(
            found[key], color=color, linewidth=1, label=f'{key} {found[key]}'
        )
    middle.set(xlabel='best IoU with an anchor', ylabel='boxes')
    middle.legend(fontsize=7)
    share = found['all_scales'].get('uncovered', 0)
    middle.set_title(f'{share:.2%} covered by no anchor', fontsize=9)
    _recall_map(right, found['recall'])
    return _save(figure, path, title)


def plot_images(path: Path, found: Mapping[str, Any], title: str) -> Path:
    """Plot the intensities and sizes of sampled images.

    Args:
        path (Path): File to write.
        found (Mapping[str, Any]): What ``describe_intensities`` gave.
        title (str): Title of the figure.

    Returns:
        Path: The file.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 3.4), layout='constrained'
    )
    rows = [row for row in found['images_by_file'] if row['percentiles']]
    # From dark to bright, so that the bands of many images can be read.
    rows.sort(key=lambda row: row['percentiles'][2])
    table = np.array([row['percentiles'] for row in rows])
    if len(table):
        places = np.arange(len(table))
        for low, high, label in ((0, 5, '0 to 100 %'), (1, 4, '1 to 99.8 %')):
            left.fill_between(
                places, table[:, low], table[:, high], alpha=0.35, label=label
            )
        left.plot(places, table[:, 2], color='black', label='median')
        left.legend(fontsize=7)
    left.set(
        xlabel='sampled images, by their median',
        ylabel=f'stored value ({", ".join(found["dtypes"]) or "none"})',
    )
    # Measured values may be negative, and a few much larger than the rest.
    left.set_yscale('symlog')
    sizes = np.array([row['size'] for row in rows]).reshape(-1, 2)
    unique, counts = np.unique(sizes, axis=0, return_counts=True)
    right.scatter(
        unique[:, 1], unique[:, 0], s=12 + 180 * counts / max(len(rows), 1)
    )
    right.set(xlabel='width [px]', ylabel='height [px]', xlim=0, ylim=0)
    right.set_title('area of a dot: number of images', fontsize=9)
    sampled = f'{found["sampled"]} of {found["images"]} images'
    return _save(figure, path, f'{title}: {sampled}')


def _recall_map(axis: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    sizes = sorted({tuple(_edges(row['sides'])) for row in rows})
    aspects = sorted({tuple(_edges(row['aspects'])) for row in rows})
    table = np.full((len(aspects), len(sizes)), np.nan)
    for row in rows:
        place = (
            aspects.index(tuple(_edges(row['aspects']))),
            sizes.index(tuple(_edges(row['sides']))),
        )
        table[place] = row['recall']['0.5']
    if table.size:
        axis.imshow(table, vmin=0, vmax=1, cmap='RdYlGn', aspect='auto')
    for (line, column), value in np.ndenumerate(table):
        if not np.isnan(value):
            axis.text(
                column, line, f'{value:.0%}', ha='center', va='center',
                fontsize=7,
            )  # fmt: skip
    axis.set_xticks(range(len(sizes)), [f'{low:g}+' for low, _ in sizes])
    axis.set_yticks(range(len(aspects)), [f'{low:g}+' for low, _ in aspects])
    axis.set(xlabel='box side from [px]', ylabel='aspect from')
    axis.set_title('boxes with an anchor of IoU 0.5 or more', fontsize=9)


def _edges(pair: Sequence[float | None]) -> list[float]:
    return [np.inf if edge is None else edge for edge in pair]


def _grouped(strata: np.ndarray | None, images: int) -> np.ndarray:
    if strata is None:
        return np.full(images, 'all')
    names, counts = np.unique(strata, return_counts=True)
    largest = names[np.argsort(-counts, kind='stable')[:_MOST_STRATA]]
    return np.where(np.isin(strata, largest), strata, 'others')


def _log_edges(values: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.array([1.0, 2.0])
    low, high = max(values.min(), 0.5), max(values.max(), 1.0)
    return np.geomspace(low * 0.99, high * 1.01, _BINS)


def _plain_ticks(axis: Any, edges: np.ndarray) -> None:
    """Mark a logarithmic axis at powers of two, as anchors are."""
    powers = 2.0 ** np.arange(-1, 14)
    inside = powers[(powers >= edges[0]) & (powers <= edges[-1])]
    axis.set_xticks(inside, [f'{tick:g}' for tick in inside])
    axis.minorticks_off()


def _save(figure: Any, path: Path, title: str) -> Path:
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return path
