"""Evaluations that are measured, at a very small size."""

import pytest

from cupre_mm.utils.evaluation_benchmark import measured_evaluation
from cupre_mm.utils.evaluation_benchmark.dense_cells import (
    DenseSet,
    write_ground_truth,
)
from cupre_mm.utils.evaluation_benchmark.measured_evaluation import (
    Evaluation,
    measure,
    measure_here,
)


def _evaluation(tmp_path, generated, images, **options) -> Evaluation:
    path = tmp_path / 'truth.json'
    write_ground_truth(path, generated, images)
    return Evaluation(str(path), generated, images, **options)


def test_both_evaluators_agree_and_pycocotools_prints_less(tmp_path):
    generated = DenseSet(3, 450, most=200)
    images = (0, 2)
    ours, theirs = (
        measure_here(
            _evaluation(tmp_path, generated, images, evaluator=evaluator)
        )
        for evaluator in ('CellMetric', 'pycocotools')
    )
    number = int(generated.counts()[[0, 2]].sum())
    assert ours.num_predictions == theirs.num_predictions == number
    for metric in ('bbox', 'segm'):
        ap = ours.scores[f'{metric}_mAP']
        assert 0.3 < ap < 0.7
        assert theirs.scores[f'{metric}_mAP'] == pytest.approx(ap, abs=1e-9)
        # Its headline stops at 100 detections of an image.
        assert theirs.scores[f'{metric}_headline'] < 0.9 * ap
    for one in (ours, theirs):
        assert one.score > 0
        assert one.generate > 0
        assert one.peak >= one.imports > 50
        assert one.total == one.load + one.process + one.score


def test_cell_scores_are_computed_when_asked_for(tmp_path):
    generated = DenseSet(2, 40)
    for cell_scores in (True, False):
        found = measure_here(
            _evaluation(tmp_path, generated, (0, 1), cell_scores=cell_scores)
        )
        assert ('cells_mean_accuracy' in found.scores) == cell_scores


def test_batches_of_any_size_give_the_same_scores(tmp_path):
    generated = DenseSet(3, 60)
    one, all_ = (
        measure_here(
            _evaluation(tmp_path, generated, (0, 1, 2), batch_size=size)
        )
        for size in (1, 5)
    )
    assert one.scores == all_.scores
    assert one.num_predictions == all_.num_predictions == 60


def test_a_process_that_was_killed_gives_none(monkeypatch, tmp_path):
    class Broken:
        def __init__(self, *args):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return False

        def submit(self, *args):
            raise measured_evaluation.BrokenProcessPool

    monkeypatch.setattr(measured_evaluation, 'ProcessPoolExecutor', Broken)
    assert measure(Evaluation('', DenseSet(), ())) is None


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_same_scores(tmp_path):
    evaluation = _evaluation(tmp_path, DenseSet(2, 40), (0, 1))
    assert measure(evaluation).scores == measure_here(evaluation).scores
