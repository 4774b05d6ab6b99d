"""What keeps the cells of a benchmark from being compared."""

from pathlib import Path

import pytest

from cupre_mm.evaluation.benchmark_results.cells import Cell
from cupre_mm.evaluation.benchmark_results.grid import Size
from cupre_mm.evaluation.benchmark_results.run_checks import (
    comparability_notes,
)

COCO_BINS = [['small', 0.0, 1024.0, 0.4], ['large', 1024.0, 1e10, 0.6]]
OTHER_BINS = [['small', 0.0, 320.0, 0.4], ['large', 320.0, 1e10, 0.6]]


def make_cell(arm: str, **details) -> Cell:
    details = {
        'max_dets': 3000,
        'classes': ['cell', 'nucleus'],
        'recall_by_size': {'bbox': COCO_BINS},
        **details,
    }
    return Cell(
        arm, Size('pct', 5.0), 0, Path(), 'done', {}, {'details': details}
    )


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (
            {'max_dets': 100},
            'same max_dets: 100 in cellpose/5pct/seed0; 3000 in the others.',
        ),
        (
            {'classes': ['cell or nucleus']},
            'same number of classes (class_agnostic): 1 in '
            'cellpose/5pct/seed0; 2 in the others.',
        ),
        (
            {'recall_by_size': {'bbox': OTHER_BINS}},
            'same size bins: small 0 to 320 px, large from 320 px in '
            'cellpose/5pct/seed0; small 0 to 1024 px, large from 1024 px in '
            'the others.',
        ),
    ],
)
def test_cells_of_another_metric_are_named(change, told):
    cells = [make_cell('coco'), make_cell('cellpose', **change)]
    cells.append(make_cell('amt2'))
    (note,) = comparability_notes(cells)
    assert note == f'The cells were not scored with the {told}'


def test_other_recalls_and_reports_without_details_are_no_difference():
    recalls = [[*one[:3], 0.9] for one in COCO_BINS]
    cells = [make_cell('coco')]
    cells.append(make_cell('amt2', recall_by_size={'bbox': recalls}))
    cells.append(Cell('old', Size('pct', 5.0), 0, Path(), 'done'))
    assert comparability_notes(cells) == []
