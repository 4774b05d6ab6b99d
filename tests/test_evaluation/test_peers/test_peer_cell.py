"""One cell of a benchmark's grid, filled by a peer."""

import json
from dataclasses import replace

import pytest

from cupre_mm.evaluation.benchmark_results.cells import read_cells
from cupre_mm.evaluation.benchmark_results.grid import Grid
from cupre_mm.evaluation.peers.peer_cell import read_record, run_cell
from cupre_mm.evaluation.saved_reports import read_reports
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.prediction_files import read_predictions

EMPTY_GRID = Grid('title', (), (), {}, (), {}, {})


def test_cell_holds_our_metrics_its_own_and_where_they_come_from(
    cell, environment
):
    record = run_cell(cell, environment)
    assert cell.folder == cell.root / 'cells/cellpose/5pct/seed1'
    assert record == read_record(cell.folder)
    # The images are bright squares: a threshold finds them all.
    for name in ('bbox_mAP', 'segm_mAP', 'cells_f1_50', 'cells_aji'):
        assert record['metrics'][f'coco/{name}'] == pytest.approx(1)
    assert record['metrics']['coco/num_detections'] == 7
    own = record['own_metrics']['cellpose']
    assert own['average_precision_0.5'] == 1
    assert own['versions']['cellpose'] == '3.1.1'
    expected = dict(
        kind='peer', arm='cellpose', title='Cellpose', size='5pct', percent=5,
        seed=1, status='done', attempts=1, command=['python', 'tool.py'],
        recipe={'n_epochs': 7}, deviations=['n_epochs=7'],
        split=cell.train.record, test=cell.test.record,
    )  # fmt: skip
    assert {key: record[key] for key in expected} == expected
    assert record['peer']['images_left_out'] == 2
    assert record['peer']['seconds'] == {'network': 0.5, 'predict': 0.25}
    assert record['seconds'] >= 0.75
    assert len(read_predictions(cell.folder / 'predictions.pkl')) == 3


def test_results_of_the_benchmark_read_the_cell_and_its_report(
    cell, environment
):
    run_cell(cell, environment)
    grid, (found,), _ = read_cells(cell.root, EMPTY_GRID)
    assert found.status == 'done'
    assert found.metrics['segm_mAP'] == pytest.approx(1)
    assert found.test_sha256 == cell.test.record['sha256']
    assert [(arm.title, arm.is_peer) for arm in grid.arms] == [
        ('Cellpose', True)
    ]
    other = replace(cell, seed=2)
    run_cell(other, environment)
    first, second = read_reports([cell.folder, other.folder])
    assert first.images['bad.png']['f1_50'] == 1
    assert first.metrics['coco/segm_mAP'] == second.metrics['coco/segm_mAP']


def test_finished_cell_is_not_run_again(cell, environment):
    assert not cell.is_done
    run_cell(cell, environment)
    assert cell.is_done
    (cell.root / 'fails').write_text('train')
    again = run_cell(replace(cell, recipe={'n_epochs': 8}), environment)
    assert again['recipe'] == {'n_epochs': 7}


def test_failure_is_recorded_and_the_next_run_goes_on_from_there(
    cell, environment
):
    (cell.root / 'fails').write_text('predict')
    with pytest.raises(BadDataError, match='exit code 3'):
        run_cell(cell, environment)
    record = read_record(cell.folder)
    assert record['status'] == 'failed'
    assert 'the network went its own way' in record['error']
    (cell.root / 'fails').unlink()
    record = run_cell(cell, environment)
    assert (record['status'], record['attempts']) == ('done', 2)
    assert 'error' not in record
    assert (cell.folder / 'peer/model/runs').read_text() == 'x'


def test_damaged_record_is_told(cell, environment):
    cell.folder.mkdir(parents=True)
    (cell.folder / 'cell.json').write_text(json.dumps([1]))
    with pytest.raises(BadDataError, match='no record of a cell'):
        run_cell(cell, environment)
