"""One cell of a benchmark's grid, filled by a peer."""

import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.benchmark_grid.records import git_state, now
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadDataError, UserError
from cupre_mm.utils.json_files import parse_json

from ..benchmark_results.grid import Size
from ..cell_metric import CellMetric
from ..report_files import write_report
from ..report_run import describe_run
from .label_sets import LabelSet
from .own_scores import score_by_peer
from .peer_environment import PeerEnvironment, relative
from .peer_predictions import SCORE_THR, to_sample

_LINES_OF_ERROR = 20


@dataclass(frozen=True)
class PeerCell:
    """What one cell needs.

    Attributes:
        arm (str): Name of the arm's folder, such as ``'cellpose'``.
        title (str): What to call it in tables.
        size (Size): Labels it gets.
        seed (int): Seed of the split and of the first weights.
        root (Path): Work dir of the benchmark.
        train (LabelSet): The labelled images.
        test (LabelSet): The test part.
        recipe (dict): Settings for the driver.
        command (list[str]): Command line, for the record.
        preset (str, optional): Preset of ``CellMetric``. Defaults to None.
        deviations (tuple[str]): What differs from the documented recipe.
            Defaults to ().
    """

    arm: str
    title: str
    size: Size
    seed: int
    root: Path
    train: LabelSet
    test: LabelSet
    recipe: Mapping[str, Any]
    command: list[str]
    preset: str | None = None
    deviations: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the cell lies."""
        return self.root.joinpath(
            'cells', self.arm, self.size.name, f'seed{self.seed}'
        )

    @property
    def is_done(self) -> bool:
        """Whether an earlier run finished it."""
        return read_record(self.folder).get('status') == 'done'


def run_cell(cell: PeerCell, environment: PeerEnvironment) -> dict[str, Any]:
    """Train, predict and score, as far as an earlier run did not.

    A finished cell is left alone. In a half-finished one the steps that were
    done with the same settings are not done again. A failure is written to
    ``cell.json``.

    Args:
        cell (PeerCell): The cell.
        environment (PeerEnvironment): The peer.

    Returns:
        dict: What ``cell.json`` holds.

    Raises:
        UserError: If a step fails.
    """
    earlier = read_record(cell.folder)
    if earlier.get('status') == 'done':
        return earlier
    start = time.time()
    record = {
        'kind': 'peer',
        'arm': cell.arm,
        'title': cell.title,
        'size': cell.size.name,
        'percent' if cell.size.unit == 'pct' else 'shots': cell.size.number,
        'seed': cell.seed,
        'status': 'running',
        'started': now(),
        'attempts': int(earlier.get('attempts') or 0) + 1,
        'command': cell.command,
        **git_state(Path(__file__).parent),
        'split': cell.train.record,
        'test': cell.test.record,
        'recipe': dict(cell.recipe),
        'deviations': list(cell.deviations),
    }
    write_record(cell.folder, record)
    try:
        found = _work(cell, environment)
    except UserError as error:
        failed = {'status': 'failed', 'error': _error_of(cell, error)}
        write_record(
            cell.folder, {**record, **failed, 'seconds': time.time() - start}
        )
        raise
    record |= found
    record |= {'status': 'done', 'finished': now()}
    # A resumed cell took the time of the steps done before as well.
    record['seconds'] = max(
        time.time() - start, sum(found['peer']['seconds'].values())
    )
    write_record(cell.folder, record)
    return record


def read_record(folder: Path) -> dict[str, Any]:
    """Read a cell's ``cell.json``.

    Args:
        folder (Path): Folder of the cell.

    Returns:
        dict: What it holds; empty where there is none.

    Raises:
        BadDataError: If it is no json object.
    """
    path = folder / 'cell.json'
    if not path.is_file():
        return {}
    content = parse_json(path.read_bytes(), path)
    if not isinstance(content, dict):
        raise BadDataError(f'{path} is no record of a cell: remove it')
    return content


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write a cell's ``cell.json`` in one piece.

    Args:
        folder (Path): Folder of the cell.
        record (Mapping): What it is to hold.
    """
    write_json(folder / 'cell.json', dict(record), indent=1)


def _work(cell: PeerCell, environment: PeerEnvironment) -> dict[str, Any]:
    peer, root = cell.folder / 'peer', cell.root
    shared = {
        'recipe': dict(cell.recipe),
        'seed': cell.seed,
        'split_sha256': cell.train.record['sha256'],
        'model_folder': relative(peer / 'model', root),
    }
    files = {
        'images': [relative(path, root) for path in cell.train.images],
        'labels': [relative(path, root) for path in cell.train.labels],
    }
    trained = environment.run('train', {**shared, **files}, peer, root)
    labels = [peer / 'labels' / f'{e["id"]}.tif' for e in cell.test.entries]
    files = {
        'images': [relative(path, root) for path in cell.test.images],
        'labels': [relative(path, root) for path in labels],
    }
    predicted = environment.run('predict', {**shared, **files}, peer, root)
    predictions = cell.folder / 'predictions.pkl'
    samples = [
        to_sample(entry, tifffile.imread(path), scores)
        for entry, path, scores in zip(
            cell.test.entries, labels, predicted['scores']
        )
    ]
    write_atomically(predictions, pickle.dumps(samples))
    return {
        'metrics': _evaluate(cell, samples),
        'own_metrics': {
            environment.name: score_by_peer(
                predictions, cell.test, environment, root
            )
        },
        'versions': trained['versions'],
        'peer': {
            **{k: v for k, v in trained.items() if k != 'versions'},
            'predicted_diameters': predicted.get('diameters'),
            'seconds': {**trained['seconds'], **predicted['seconds']},
        },
    }


def _evaluate(cell: PeerCell, samples: list[dict]) -> dict[str, float]:
    """Score by our own metrics, and write the report beside the cell."""
    metric = CellMetric(
        ann_file=cell.test.record['file'],
        metric=['bbox', 'segm'],
        preset=cell.preset,
        cell_scores={'score_thr': SCORE_THR},
    )
    metric.dataset_meta = {'classes': tuple(cell.test.categories)}
    metric.process({}, samples)
    metrics = metric.evaluate(len(samples))
    report, details = describe_run(
        metrics,
        [metric],
        config=f'{cell.title} by its own recipe',
        checkpoint=relative(cell.folder / 'peer/model', cell.root),
        checkpoint_file='',
        dataset=cell.title,
        ann_files=[cell.test.record['file']],
    )
    write_report(report, cell.folder, details, pictures=False)
    return metrics


def _error_of(cell: PeerCell, error: UserError) -> str:
    """The error, and the end of the log that it left."""
    logs = sorted(
        (cell.folder / 'peer').glob('*.log'), key=lambda p: p.stat().st_mtime
    )
    if not logs:
        return str(error)
    lines = logs[-1].read_text(errors='replace').splitlines()
    return '\n'.join([str(error), *lines[-_LINES_OF_ERROR:]])
