"""All arms of a benchmark, scored by a peer's own metric."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.errors import BadDataError, MissingDataError

from ..benchmark_results.grid import parse_size
from ..report_tables import markdown_table
from .label_sets import LabelSet
from .own_scores import checksums, score_by_peer
from .peer_cell import read_record, write_record
from .peer_environment import PeerEnvironment


def score_cells(
    root: Path, truth: LabelSet, environment: PeerEnvironment
) -> Iterator[tuple[Path, dict[str, Any], bool]]:
    """Add a peer's scores to the ``cell.json`` of each finished cell.

    They go to ``own_metrics`` under the peer's name. A cell whose scores are
    of the same predictions and test part is not scored again.

    Args:
        root (Path): Work dir of the benchmark.
        truth (LabelSet): The test part.
        environment (PeerEnvironment): The peer.

    Yields:
        tuple[Path, dict, bool]: Folder of the cell, the peer's scores, and
        whether they were there before.

    Raises:
        MissingDataError: If no cell is finished, or one has no predictions.
        BadDataError: If a cell was tested with another file.
    """
    folders = [
        path.parent
        for path in sorted((root / 'cells').glob('*/*/seed*/cell.json'))
        if read_record(path.parent).get('status') == 'done'
    ]
    if not folders:
        raise MissingDataError(
            f'{root} has no finished cell: run tools/benchmark.py CONFIG '
            f'--work-dir {root} first'
        )
    for folder in folders:
        record = read_record(folder)
        predictions = folder / 'predictions.pkl'
        if not predictions.is_file():
            raise MissingDataError(
                f'{predictions} does not exist; write it with: python '
                'tools/test.py CONFIG CHECKPOINT --out '
                f'{predictions}'
            )
        tested = (record.get('test') or {}).get('sha256')
        if tested not in (None, truth.record['sha256']):
            raise BadDataError(
                f'{folder} was tested with another file than '
                f'{truth.record["file"]}: name its own with --test'
            )
        known = (record.get('own_metrics') or {}).get(environment.name) or {}
        wanted = checksums(predictions, truth)
        if wanted.items() <= known.items():
            yield folder, known, True
            continue
        found = score_by_peer(predictions, truth, environment, root)
        # Read again: the benchmark may have written to it since.
        record = read_record(folder)
        own = {**(record.get('own_metrics') or {}), environment.name: found}
        write_record(folder, {**record, 'own_metrics': own})
        yield folder, found, False


def own_score_table(
    scored: Sequence[tuple[Path, dict[str, Any]]],
    columns: Sequence[tuple[str, str]],
) -> str:
    """Lay out a peer's scores of all arms, times 100.

    Args:
        scored (Sequence[tuple]): Folder of each cell and its scores.
        columns (Sequence[tuple[str, str]]): Title and name of each score.

    Returns:
        str: Markdown; a row an arm and size, with the mean over the seeds,
        their standard deviation where there are two or more, and their
        number.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for folder, scores in scored:
        groups.setdefault(folder.parts[-3:-1], []).append(scores)
    rows = [['arm', 'labels', *(title for title, _ in columns), 'seeds']]
    for arm, size in sorted(
        groups, key=lambda key: (parse_size(key[1]), key[0])
    ):
        found = groups[arm, size]
        rows.append(
            [
                arm,
                parse_size(size).title,
                *(
                    _spread([one.get(key) for one in found])
                    for _, key in columns
                ),
                str(len(found)),
            ]
        )
    return markdown_table(rows)


def _spread(values: Sequence[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return 'n/a'
    mean = f'{np.mean(known):.1f}'
    return mean if len(known) < 2 else f'{mean} ± {np.std(known, ddof=1):.1f}'
