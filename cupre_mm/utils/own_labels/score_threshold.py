"""From which score on a model's detections are cells."""

from collections.abc import Mapping, Sequence

import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

# Models of few labels are seldom sure: at 0.5 they miss cells that they see.
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
USUAL = 0.5
_F1 = 'coco/cells_f1_50_pooled'


def choose_score_threshold(runner: Runner) -> float:
    """Choose the least score by F1 at IoU 0.5 on the val part.

    Args:
        runner (Runner): With the weights in question and a val part that
            :class:`.CellMetric` evaluates with ``cell_scores``.

    Returns:
        float: One of :data:`THRESHOLDS`, see :func:`best_threshold`; the
        usual 0.5 if the metric has no such scores.
    """
    loop = runner.val_loop
    metric = _metric_of(loop.evaluator)
    if metric is None:
        return USUAL
    metric.results.clear()
    runner.model.eval()
    with torch.no_grad():
        for batch in loop.dataloader:
            loop.evaluator.process(
                data_samples=runner.model.val_step(batch), data_batch=batch
            )
    kept = list(metric.results)
    before = metric.cell_scores
    found = {}
    try:
        for threshold in THRESHOLDS:
            metric.results = list(kept)
            metric.cell_scores = {**before, 'score_thr': threshold}
            values = loop.evaluator.evaluate(len(loop.dataloader.dataset))
            found[threshold] = float(values[_F1])
    finally:
        metric.cell_scores = before
    return best_threshold(found)


def use_threshold(runner: Runner, threshold: float) -> None:
    """Let the test part's cells be scored from this score on.

    Args:
        runner (Runner): The runner.
        threshold (float): The least score.
    """
    metric = _metric_of(runner.test_loop.evaluator)
    if metric is not None:
        metric.cell_scores = {**metric.cell_scores, 'score_thr': threshold}


def best_threshold(f1: Mapping[float, float]) -> float:
    """The threshold of the highest F1.

    Args:
        f1 (Mapping[float, float]): F1 by threshold.

    Returns:
        float: Of equal ones that nearest to 0.5, the higher of two such.
    """
    return max(f1, key=lambda one: (f1[one], -abs(one - USUAL), one))


def _metric_of(evaluator: Evaluator) -> object | None:
    metrics: Sequence = evaluator.metrics
    scored = [one for one in metrics if getattr(one, 'cell_scores', None)]
    return scored[0] if scored else None
