"""What the plots of a benchmark have in common."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np

from .grid import Grid

matplotlib.use('Agg')
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

# Okabe and Ito's colours, told apart with any colour vision.
_COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00')
_MARKERS = 'osD^vP'
_LINES = ('-', '--', '-.', (0, (4, 1, 1, 1, 1, 1)))
_PEER = '#767676'
_BASELINE = '#222222'
RC = {'font.size': 11, 'savefig.facecolor': 'white'}
DPI = 130
NAMES = {'bbox': 'boxes, AP_bbox', 'segm': 'masks, AP_segm'}


def styles(grid: Grid) -> dict[str, dict[str, Any]]:
    """Give each arm a colour, a marker and a line.

    Args:
        grid (Grid): The grid.

    Returns:
        dict[str, dict]: Arguments of ``Axes.plot`` by arm. The baseline is
        black, peers are grey, and no two arms look alike without colour.
    """
    found = {}
    number = peers = 0
    for arm in grid.arms:
        lap, place = divmod(number, len(_COLORS))
        if arm.is_peer:
            style = {'color': _PEER, 'marker': 'X*h'[peers % 3]}
            style['linestyle'] = ':'
            peers += 1
        elif arm.name in grid.baselines[:1]:
            style = {'color': _BASELINE, 'marker': 'x', 'linestyle': '-'}
        else:
            style = {'color': _COLORS[place], 'marker': _MARKERS[place]}
            style['linestyle'] = _LINES[lap % len(_LINES)]
            number += 1
        found[arm.name] = style
    return found


def tidy(axis: Axes) -> None:
    """Leave only what helps to read a panel.

    Args:
        axis (Axes): The panel.
    """
    axis.grid(color='#e3e3e3', linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[['top', 'right']].set_visible(False)


def label_ends(
    axis: Axes, ends: Sequence[tuple[float, float, str, str]]
) -> None:
    """Write names at the right of a panel, near the ends of their lines.

    Args:
        axis (Axes): The panel, its y-limits final.
        ends (Sequence[tuple]): The x and y of each end in data coordinates,
            the text and its colour.
    """
    low, high = axis.get_ylim()
    inches = axis.get_position().height * axis.figure.get_figheight()
    # Two lines of 9 points must not overlap.
    gap = (high - low) * 0.17 / max(inches, 0.5)
    order = sorted(range(len(ends)), key=lambda i: ends[i][1])
    places = spread_out([ends[i][1] for i in order], gap, low, high)
    for i, place in zip(order, places):
        _, y, text, color = ends[i]
        heights = [(value - low) / (high - low) for value in (y, place)]
        axis.plot(
            [1.01, 1.045],
            heights,
            color=color,
            linewidth=0.7,
            transform=axis.transAxes,
            clip_on=False,
        )
        axis.text(
            1.055,
            heights[1],
            text,
            # Thin letters need more contrast than lines.
            color=[0.75 * part for part in to_rgb(color)],
            fontsize=9.5,
            va='center',
            transform=axis.transAxes,
        )


def spread_out(
    values: Sequence[float], gap: float, low: float, high: float
) -> list[float]:
    """Move ascending values apart, as little as a few passes find.

    Args:
        values (Sequence[float]): Ascending.
        gap (float): Least distance of two.
        low (float): Least value, if all fit above it.
        high (float): Largest value, if all fit below it.

    Returns:
        list[float]: Ascending, at least ``gap`` apart.
    """
    if len(values) == 0:
        return []
    steps = gap * np.arange(len(values))
    # Without the steps, values are apart when they ascend.
    flat = np.asarray(values, float) - steps
    blocks: list[list[float]] = []
    for value in flat:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    placed = np.concatenate([np.full(len(b), np.mean(b)) for b in blocks])
    placed = np.minimum(placed, high - steps[-1])
    return list(np.maximum(placed, low) + steps)
