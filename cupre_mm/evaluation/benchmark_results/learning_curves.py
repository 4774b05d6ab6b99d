"""Training loss and validation AP against the iteration, over the seeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .cells import Cell

_SHOWN = {'loss': 'loss', 'bbox_mAP': 'bbox', 'segm_mAP': 'segm'}
# Points of a curve; longer logs are thinned.
_MOST_POINTS = 200


@dataclass(frozen=True)
class Curve:
    """A logged value over the iterations, mean over the seeds.

    Attributes:
        arm (str): The arm.
        size (str): Name of the size.
        what (str): ``'loss'``, or ``'bbox'`` or ``'segm'`` for the AP of
            the validation part.
        seeds (tuple[int]): Seeds that have it.
        steps (list[int]): Iterations.
        means (list[float]): Mean over the seeds at each.
    """

    arm: str
    size: str
    what: str
    seeds: tuple[int, ...]
    steps: list[int]
    means: list[float]


def read_curves(cells: Sequence[Cell]) -> list[Curve]:
    """Read the logs of all finished cells.

    Args:
        cells (Sequence[Cell]): The cells.

    Returns:
        list[Curve]: Those that were logged.
    """
    logs: dict[tuple[str, str, str], dict[int, dict[int, float]]] = {}
    for cell in cells:
        if cell.status == 'done':
            for what, points in _read_log(cell.folder).items():
                key = cell.arm, cell.size.name, what
                logs.setdefault(key, {})[cell.seed] = points
    return [_mean_curve(key, by_seed) for key, by_seed in logs.items()]


def _mean_curve(
    key: tuple[str, str, str], by_seed: dict[int, dict[int, float]]
) -> Curve:
    # A mean over other seeds at every point would jump.
    steps = sorted(set.intersection(*map(set, by_seed.values())))
    if len(steps) > _MOST_POINTS:
        places = np.linspace(0, len(steps) - 1, _MOST_POINTS)
        steps = [steps[i] for i in places.round().astype(int)]
    means = [
        float(np.mean([points[step] for points in by_seed.values()]))
        for step in steps
    ]
    return Curve(*key, tuple(sorted(by_seed)), steps, means)


def _read_log(folder: Path) -> dict[str, dict[int, float]]:
    """Logged values by step; a run that was resumed has several logs."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        records = _read_records(path)
        if not records:
            continue
        # What an interrupted run did beyond its last checkpoint was done
        # again.
        first = min(record['step'] for record in records)
        for points in found.values():
            for step in [step for step in points if step >= first]:
                del points[step]
        for record in records:
            for name, value in record.items():
                what = _SHOWN.get(name.rpartition('/')[2])
                # Losses of tasks have a prefix too.
                if what is None or (what == 'loss' and name != 'loss'):
                    continue
                if isinstance(value, (int, float)) and np.isfinite(value):
                    found.setdefault(what, {})[record['step']] = value
    return {what: points for what, points in found.items() if points}


def _read_records(path: Path) -> list[dict]:
    records = []
    for line in path.read_text(encoding='utf-8', errors='replace').split('\n'):
        try:
            record = json.loads(line)
        # A killed run leaves a line cut off.
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get('step'), int):
            records.append(record)
    return records
