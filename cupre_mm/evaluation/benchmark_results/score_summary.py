"""Scores of each arm and size over the seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..saved_reports import is_number
from .cells import Cell

# What the tables show, by the name that CellMetric gives it.
SHOWN = {
    'bbox_mAP': 'AP_bbox',
    'segm_mAP': 'AP_segm',
    'bbox_mAP_50': 'AP50_bbox',
    'segm_mAP_50': 'AP50_segm',
    'cells_f1_50': 'F1 at IoU 0.5',
    'cells_pq': 'PQ',
    'cells_aji': 'AJI',
    'cells_mean_accuracy': 'mean accuracy',
}
METRICS = ('bbox', 'segm')
# The same of peers' own metrics, by the name that their drivers give it.
OWN_SHOWN = {
    'average_precision_0.5': 'AP at 0.5',
    'average_precision_0.75': 'AP at 0.75',
    'average_precision_0.9': 'AP at 0.9',
    'average_precision_0.5_pooled': 'AP at 0.5, pooled',
    'aji': 'AJI',
}


@dataclass(frozen=True)
class Spread:
    """A score over seeds.

    Attributes:
        values (dict[int, float]): The score by seed.
    """

    values: dict[int, float]

    @property
    def num(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean([*self.values.values()]))

    @property
    def sd(self) -> float | None:
        """Standard deviation of a sample; None of a single seed."""
        if self.num < 2:
            return None
        return float(np.std([*self.values.values()], ddof=1))


# Spread by arm, name of the size and name of the score.
Summary = dict[tuple[str, str, str], Spread]


def summarize(cells: Sequence[Cell]) -> Summary:
    """Gather the scores of all seeds.

    Args:
        cells (Sequence[Cell]): The cells of a grid.

    Returns:
        Summary: What no finished cell has is absent.
    """
    values: dict[tuple[str, str, str], dict[int, float]] = {}
    for cell in cells:
        for name, value in cell.metrics.items():
            key = cell.arm, cell.size.name, name
            values.setdefault(key, {})[cell.seed] = value
    return {key: Spread(found) for key, found in values.items()}


def summarize_own(
    cells: Sequence[Cell],
) -> dict[tuple[str, str, str, str], Spread]:
    """Gather the scores that peers' own programs gave.

    Args:
        cells (Sequence[Cell]): The cells of a grid.

    Returns:
        dict[tuple, Spread]: By arm, name of the size, peer and name of the
        score, of those in :data:`OWN_SHOWN`: counts are no scores.
    """
    values: dict[tuple[str, str, str, str], dict[int, float]] = {}
    for cell in cells:
        own = cell.record.get('own_metrics') if cell.status == 'done' else None
        for peer, scores in (own or {}).items():
            for name in OWN_SHOWN:
                if is_number(scores.get(name)):
                    key = cell.arm, cell.size.name, peer, name
                    values.setdefault(key, {})[cell.seed] = scores[name]
    return {key: Spread(found) for key, found in values.items()}
