"""All arms of a benchmark, scored by a peer's own metric."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from cupre_mm.evaluation.peers.benchmark_scores import (
    own_score_table,
    score_cells,
)
from cupre_mm.evaluation.peers.label_sets import read_labels
from cupre_mm.evaluation.peers.peer_cell import read_record, write_record
from cupre_mm.evaluation.peers.peer_predictions import to_sample
from cupre_mm.utils.errors import BadDataError, MissingDataError


@pytest.fixture
def arm(squares, work_dir):
    """A cell of our own that finds the truth in two images of three."""
    folder = work_dir / 'cells/amt2/5pct/seed0'
    write_record(folder, {'status': 'done', 'metrics': {'a': 1}})
    labels = read_labels(squares.labels)
    labels[2] = np.zeros_like(labels[2])
    samples = [
        to_sample(entry, one, dict.fromkeys(map(str, range(1, 9)), 0.8))
        for entry, one in zip(squares.entries, labels)
    ]
    (folder / 'predictions.pkl').write_bytes(pickle.dumps(samples))
    return folder


def test_scores_are_added_to_the_record_once(
    arm, squares, work_dir, environment
):
    ((folder, scores, known),) = score_cells(work_dir, squares, environment)
    assert (folder, known) == (arm, False)
    assert scores['average_precision_0.5'] == pytest.approx(2 / 3)
    record = read_record(arm)
    assert record['metrics'] == {'a': 1}
    assert record['own_metrics']['cellpose'] == scores
    assert scores['counts'] == {'images': 3, 'tp_0.5': 2}
    ((_, again, known),) = score_cells(work_dir, squares, environment)
    assert (again, known) == (scores, True)
    samples = pickle.loads((arm / 'predictions.pkl').read_bytes())
    samples[0]['pred_instances']['scores'] *= 0
    (arm / 'predictions.pkl').write_bytes(pickle.dumps(samples))
    ((_, fewer, known),) = score_cells(work_dir, squares, environment)
    assert not known
    assert fewer['average_precision_0.5'] == pytest.approx(1 / 3)
    # The label images are gone; cells and sets are left.
    assert {path.name for path in work_dir.iterdir()} == {'cells', 'sets'}


def test_work_dir_without_a_finished_cell_is_told(
    arm, squares, work_dir, environment
):
    write_record(arm, {'status': 'failed'})
    with pytest.raises(MissingDataError, match=r'tools/benchmark\.py'):
        list(score_cells(work_dir, squares, environment))


def test_missing_predictions_are_told(arm, squares, work_dir, environment):
    (arm / 'predictions.pkl').unlink()
    with pytest.raises(MissingDataError, match=r'seed0/predictions\.pkl'):
        list(score_cells(work_dir, squares, environment))


def test_cell_of_another_test_part_is_refused(
    arm, squares, work_dir, environment
):
    write_record(arm, {'status': 'done', 'test': {'sha256': 'f00'}})
    with pytest.raises(BadDataError, match='another file'):
        list(score_cells(work_dir, squares, environment))


def test_predictions_of_other_images_are_refused(
    arm, squares, work_dir, environment
):
    fewer = replace(squares, entries=squares.entries[:2])
    with pytest.raises(BadDataError, match=r'\[3\] are not in the test part'):
        list(score_cells(work_dir, fewer, environment))


def test_table_has_mean_and_spread_of_the_seeds_by_size(tmp_path):
    cells = tmp_path / 'cells'
    scored = [
        (cells / 'amt2/10pct/seed0', {'ap': 0.7, 'aji': None}),
        (cells / 'amt2/5pct/seed0', {'ap': 0.5}),
        (cells / 'amt2/5pct/seed1', {'ap': 0.6}),
        (cells / 'cellpose/5pct/seed0', {'ap': 0.8}),
    ]
    table = own_score_table(scored, [('AP', 'ap'), ('AJI', 'aji')])
    rows = [
        [part.strip() for part in line.strip('|').split('|')]
        for line in table.splitlines()
    ]
    assert rows[0] == ['arm', 'labels', 'AP', 'AJI', 'seeds']
    assert rows[2:] == [
        ['amt2', '5 %', '55.0 ± 7.1', 'n/a', '2'],
        ['cellpose', '5 %', '80.0', 'n/a', '1'],
        ['amt2', '10 %', '70.0', 'n/a', '1'],
    ]
