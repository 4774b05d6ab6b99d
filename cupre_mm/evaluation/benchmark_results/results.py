"""All that is known of a benchmark, for its files and plots."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..paired_bootstrap import Bootstrap
from .cell_resamples import CellResamples
from .cells import Cell, read_cells, read_failed_stages
from .gains import DEFAULT, Gain, find_gains
from .grid import Arm, Grid, read_grid
from .learning_curves import Curve, read_curves
from .run_checks import comparability_notes
from .score_summary import Spread, Summary, summarize, summarize_own


@dataclass(frozen=True)
class Results:
    """What was found.

    Attributes:
        grid (Grid): The grid, with the peers that there are cells of.
        cells (list[Cell]): Its cells, those that are missing too.
        summary (Summary): Scores over the seeds.
        own_scores (dict): Scores by peers' own metrics, see
            :func:`.summarize_own`.
        gains (list[Gain]): Gains over the baselines.
        curves (list[Curve]): Learning curves.
        failed_stages (dict[str, str]): Messages of the pre-training that
            failed, by folder.
        notes (list[str]): What a reader should know.
        bootstrap (Bootstrap, optional): How the intervals were computed;
            None where they were left out.
    """

    grid: Grid
    cells: list[Cell]
    summary: Summary
    gains: list[Gain]
    own_scores: dict[tuple[str, str, str, str], Spread] = field(
        default_factory=dict
    )
    curves: list[Curve] = field(default_factory=list)
    failed_stages: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    bootstrap: Bootstrap | None = None

    @property
    def settings(self) -> list[str | None]:
        """Settings in the order of the arms; one None where there are none."""
        found = dict.fromkeys(arm.setting for arm in self.grid.arms)
        found.pop(None, None)
        return list(found) or [None]

    def arms_of(self, setting: str | None) -> list[Arm]:
        """List the arms of a setting.

        Args:
            setting (str, optional): The setting.

        Returns:
            list[Arm]: Its arms, those of no setting, and the baselines.
        """
        return [
            arm
            for arm in self.grid.arms
            if setting is None
            or arm.setting in (None, setting)
            or arm.name in self.grid.baselines
        ]


def collect(
    work_dir: Path,
    truth: Path | None = None,
    bootstrap: Bootstrap | None = DEFAULT,
) -> Results:
    """Gather the results of a work dir.

    Args:
        work_dir (Path): Work dir of ``tools/benchmark.py``.
        truth (Path, optional): Annotation file of the test part. Defaults
            to None: the one that each cell names.
        bootstrap (Bootstrap, optional): How to compute intervals; None
            leaves them out. Defaults to 2,000 resamples.

    Returns:
        Results: What was found.

    Raises:
        MissingDataError: If there is no ``benchmark.json``.
        BadDataError: If it is none of a benchmark.
    """
    grid, cells, unknown = read_cells(work_dir, read_grid(work_dir))
    notes = [*comparability_notes(cells), *_grid_notes(grid, unknown)]
    resampled = None
    if bootstrap is not None:
        resampled = CellResamples(truth, bootstrap, data_folder(grid))
        if grid.baselines:
            resampled.prepare(cells)
    gains = find_gains(grid, cells, resampled, bootstrap or DEFAULT)
    if resampled is not None:
        notes += resampled.notes
    return Results(
        grid=grid,
        cells=cells,
        summary=summarize(cells),
        gains=gains,
        own_scores=summarize_own(cells),
        curves=read_curves(cells),
        failed_stages=read_failed_stages(work_dir),
        notes=notes,
        bootstrap=bootstrap,
    )


def fairness_rows(grid: Grid) -> dict[str, dict[str, Any]]:
    """Find what the pre-training of each arm was given.

    Args:
        grid (Grid): The grid; ``pretraining_budgets`` of its content is a
            list of dicts with ``arm`` and any figures.

    Returns:
        dict[str, dict]: Detection images, optimizer steps and the like by
        arm; empty where the grid does not tell.
    """
    rows = {}
    for row in grid.content.get('pretraining_budgets') or ():
        if isinstance(row, dict) and isinstance(row.get('arm'), str):
            rest = {k: v for k, v in row.items() if k not in ('arm', 'title')}
            rows[row['arm']] = rest
    return rows


def _grid_notes(grid: Grid, unknown: Sequence[Cell]) -> list[str]:
    notes = []
    if unknown:
        arms = Counter(cell.arm for cell in unknown)
        names = (
            f'{arm} ({num} {"cell" if num == 1 else "cells"})'
            for arm, num in arms.items()
        )
        notes.append(
            'Left out, as they are neither arms of the grid nor peers: '
            f'{", ".join(names)}.'
        )
    lacking = [
        b for b in grid.baselines if b not in {a.name for a in grid.arms}
    ]
    if lacking:
        notes.append(
            f'No arm is called {", ".join(map(repr, lacking))}, which the '
            'grid names as a baseline: there are no gains over it.'
        )
    if not grid.baselines:
        notes.append('The grid names no baseline: there are no gains.')
    return notes


def data_folder(grid: Grid) -> str:
    """Name the folder of a grid's data set.

    Args:
        grid (Grid): The grid.

    Returns:
        str: From the data's root on; '' where it has none.
    """
    content = grid.content.get('benchmark', grid.content)
    data = content.get('data')
    folder = data.get('folder') if isinstance(data, dict) else None
    return folder if isinstance(folder, str) else ''
