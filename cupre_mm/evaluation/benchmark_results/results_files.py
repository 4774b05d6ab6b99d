"""Writes the results of a benchmark as JSON, CSV and Markdown."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_json import canonical_json

from .cells import Cell, count_states
from .gain_sections import gain_sections, read_gain
from .gains import Gain
from .results import Results, fairness_rows
from .results_plots import Plot
from .run_checks import splits_of, versions_of
from .run_sections import (
    failure_section,
    fairness_section,
    origin_section,
    peer_section,
    progress_line,
)
from .score_sections import (
    all_scores_section,
    paper_section,
    score_sections,
)

SCHEMA_VERSION = 1
_FIRST_COLUMNS = ('arm', 'title', 'kind', 'setting', 'size', 'seed', 'status')


def write_tables(
    folder: Path, results: Results, plots: Sequence[Plot] = ()
) -> list[Path]:
    """Write the files that hold the results.

    Args:
        folder (Path): Work dir of the benchmark.
        results (Results): The results.
        plots (Sequence[Plot]): Plots in its ``plots/``. Defaults to none.

    Returns:
        list[Path]: ``results.json``, ``.csv`` and ``.md``.
    """
    contents = {
        'results.json': canonical_json(to_json(results), indent=1),
        'results.csv': to_csv(results).encode(),
        'results.md': to_markdown(results, plots).encode(),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return [folder / name for name in contents]


def to_json(results: Results) -> dict[str, Any]:
    """Lay out everything that is known.

    Args:
        results (Results): The results.

    Returns:
        dict[str, Any]: What json can hold; scores are shares from 0 to 1,
        those of ``paper`` as published.
    """
    grid = results.grid
    bootstrap = results.bootstrap
    return {
        'schema_version': SCHEMA_VERSION,
        'title': grid.title,
        'counts': count_states(results.cells),
        'grid': grid.content,
        'arms': [asdict(arm) for arm in grid.arms],
        'sizes': [{**asdict(s), 'name': s.name} for s in grid.sizes],
        'baselines': list(grid.baselines),
        'cells': [_cell(cell) for cell in results.cells],
        'failed_stages': results.failed_stages,
        'aggregates': [
            {
                'arm': arm,
                'size': size,
                'score': score,
                'mean': spread.mean,
                'sd': spread.sd,
                'n': spread.num,
                'by_seed': _text_keys(spread.values),
            }
            for (arm, size, score), spread in results.summary.items()
        ],
        'own_scores': [
            {
                'arm': arm,
                'size': size,
                'peer': peer,
                'score': score,
                'mean': spread.mean,
                'sd': spread.sd,
                'n': spread.num,
            }
            for (arm, size, peer, score), spread in results.own_scores.items()
        ],
        'gains': [_gain(gain) for gain in results.gains],
        'bootstrap': None if bootstrap is None else asdict(bootstrap),
        'learning_curves': [asdict(curve) for curve in results.curves],
        'paper': grid.paper,
        'fairness': fairness_rows(grid),
        'splits': splits_of(results.cells),
        'versions': versions_of(c for c in results.cells if not c.is_peer),
        'peer_versions': versions_of(c for c in results.cells if c.is_peer),
        'notes': results.notes,
    }


def to_csv(results: Results) -> str:
    """Write one line for each cell.

    Args:
        results (Results): The results.

    Returns:
        str: Header and lines; scores are shares from 0 to 1, empty where
        there is none.
    """
    scores = sorted({name for cell in results.cells for name in cell.metrics})
    origin = ('seconds', 'attempts', 'start_sha256', 'git_commit')
    header = [*_FIRST_COLUMNS, *scores, 'split_sha256', 'test_sha256']
    header += [*origin, 'error']
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(header)
    for cell in results.cells:
        arm = results.grid.arm(cell.arm)
        writer.writerow(
            [
                arm.name,
                arm.title,
                'peer' if arm.is_peer else 'arm',
                arm.setting,
                cell.size.name,
                cell.seed,
                cell.status,
                *(cell.metrics.get(name) for name in scores),
                cell.split_sha256,
                cell.test_sha256,
                *(cell.record.get(name) for name in origin),
                ' '.join(cell.error.split()),
            ]
        )
    return stream.getvalue()


def to_markdown(results: Results, plots: Sequence[Plot] = ()) -> str:
    """Lay out the results for people.

    Args:
        results (Results): The results.
        plots (Sequence[Plot]): Plots beside it. Defaults to none.

    Returns:
        str: The page.
    """
    parts = [f'# {results.grid.title}', progress_line(results)]
    if results.notes:
        parts.append('\n'.join(f'- Note: {note}' for note in results.notes))
    parts += score_sections(results)
    for plot in plots:
        parts += [f'![{plot.title}](plots/{plot.path.name})', plot.caption]
    parts += gain_sections(results)
    parts += all_scores_section(results)
    parts += peer_section(results)
    parts += paper_section(results)
    parts += failure_section(results)
    parts += fairness_section(results)
    parts += origin_section(results)
    return '\n\n'.join(parts) + '\n'


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        **cell.record,
        'arm': cell.arm,
        'size': cell.size.name,
        'seed': cell.seed,
        'status': cell.status,
        'folder': f'cells/{cell.name}',
        'metrics': cell.metrics,
        'test_sha256': cell.test_sha256,
        'split_sha256': cell.split_sha256,
    }


def _gain(gain: Gain) -> dict[str, Any]:
    return {
        **asdict(gain),
        'by_seed': _text_keys(gain.by_seed),
        'intervals_by_seed': _text_keys(asdict(gain)['intervals_by_seed']),
        'mean': gain.mean,
        'sd': gain.sd,
        'n': len(gain.by_seed),
        'exceeds_seed_spread': gain.exceeds_seed_spread,
        'reading': read_gain(gain),
    }


def _text_keys(values: Mapping[int, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in values.items()}
