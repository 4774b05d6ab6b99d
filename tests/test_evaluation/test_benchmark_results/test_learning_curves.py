"""Learning curves from the logs of cells."""

import pytest

from cupre_mm.evaluation.benchmark_results import learning_curves
from cupre_mm.evaluation.benchmark_results.cells import read_cells
from cupre_mm.evaluation.benchmark_results.grid import read_grid
from cupre_mm.evaluation.benchmark_results.learning_curves import read_curves


def curves_of(benchmark):
    benchmark.write_grid()
    _, cells, _ = read_cells(benchmark.folder, read_grid(benchmark.folder))
    return {curve.what: curve for curve in read_curves(cells)}


def losses(values: dict[int, float]) -> list[dict]:
    return [{'loss': loss, 'step': step} for step, loss in values.items()]


def test_mean_is_over_the_seeds_at_steps_that_all_have(benchmark):
    for seed, values in enumerate([{10: 4.0, 20: 3.0, 30: 1}, {10: 2, 20: 1}]):
        folder = benchmark.add('coco', seed=seed)
        benchmark.add_log(folder, '20260101_000000', losses(values))
    curve = curves_of(benchmark)['loss']
    assert (curve.arm, curve.size, curve.seeds) == ('coco', '5pct', (0, 1))
    assert curve.steps == [10, 20]
    assert curve.means == pytest.approx([3.0, 2.0])


def test_ap_of_the_validation_part_is_found_and_losses_of_tasks_are_not(
    benchmark,
):
    records = [
        {'loss': 2.0, 'det/loss': 9.0, 'step': 10},
        {'coco/bbox_mAP': 0.25, 'coco/segm_mAP': 0.2, 'step': 10},
    ]
    benchmark.add_log(benchmark.add('coco'), '20260101_000000', records)
    found = curves_of(benchmark)
    assert {what: curve.means for what, curve in found.items()} == {
        'loss': [2.0],
        'bbox': [0.25],
        'segm': [0.2],
    }


def test_a_resumed_run_replaces_what_it_did_again(benchmark):
    folder = benchmark.add('coco')
    first = losses({10: 9.0, 20: 8.0, 30: 7.0})
    benchmark.add_log(folder, '20260101_000000', first)
    benchmark.add_log(folder, '20260102_000000', losses({25: 5.0, 35: 4.0}))
    curve = curves_of(benchmark)['loss']
    assert curve.steps == [10, 20, 25, 35]
    assert curve.means == [9.0, 8.0, 5.0, 4.0]


def test_a_line_cut_off_by_a_kill_is_left_out(benchmark):
    folder = benchmark.add('coco')
    path = benchmark.add_log(folder, '20260101_000000', losses({10: 9.0}))
    path.write_text(path.read_text() + '{"loss": 8.0, "st')
    assert curves_of(benchmark)['loss'].steps == [10]


def test_long_logs_are_thinned_with_their_ends_kept(benchmark, monkeypatch):
    monkeypatch.setattr(learning_curves, '_MOST_POINTS', 5)
    values = {step: float(step) for step in range(1, 102)}
    folder = benchmark.add('coco')
    benchmark.add_log(folder, '20260101_000000', losses(values))
    assert curves_of(benchmark)['loss'].steps == [1, 26, 51, 76, 101]
