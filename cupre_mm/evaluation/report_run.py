"""From a finished test run to its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from .evaluation_details import EvaluationDetails
from .report import APReport
from .report_details import ReportDetails, collect_details

_SCORE_THR = 0.5


def describe_run(
    metrics: Mapping[str, float],
    evaluators: Sequence[Any],
    **origin: Any,
) -> tuple[APReport, EvaluationDetails | None]:
    """Make the report of a test run.

    Cells and detections are matched at the score threshold of the cell
    scores, 0.5 where the evaluator has none.

    Args:
        metrics (Mapping[str, float]): What ``Runner.test`` returned.
        evaluators (Sequence[BaseMetric]): Those of the run. Curves, rows of
            images and error kinds come from the first one that keeps
            :class:`.EvaluationDetails`; of others, a note says that the
            report lacks them.
        **origin: See :meth:`.APReport.from_metrics`.

    Returns:
        tuple[APReport, EvaluationDetails]: The report, and what its overlays
        are drawn from; None where no evaluator keeps it.
    """
    kept = [e for e in evaluators if getattr(e, 'details', None) is not None]
    others = [
        type(e).__name__
        for e in evaluators
        if e not in kept[:1] and type(e).__name__ != 'DumpPredictions'
    ]
    details = kept[0].details if kept else None
    found = ReportDetails()
    if details is not None:
        found = collect_details(details, _score_thr(metrics))
    report = APReport.from_metrics(metrics, details=found, **origin)
    if details is None:
        report.notes.append(
            f'No plots, overlays, error kinds and rows of images: '
            f'{", ".join(others) or "the evaluator"} does not keep the '
            'predictions; cupre_mm.CellMetric does.'
        )
    elif others:
        report.notes.append(
            'Plots, overlays, error kinds and rows of images are those of '
            f'the first {type(kept[0]).__name__} on {details.source}, not of '
            f'{", ".join(others)}.'
        )
    return report, details


def image_folder_of(dataset: Any) -> str | None:
    """Find the folder that the file names of a data set start from.

    Args:
        dataset (BaseDataset): The data set, maybe in wrappers such as
            ``RepeatDataset``.

    Returns:
        str, optional: The folder; None if the data set does not name one.
    """
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    prefix = getattr(dataset, 'data_prefix', None) or {}
    return prefix.get('img') or prefix.get('img_path')


def _score_thr(metrics: Mapping[str, float]) -> float:
    given = [
        value
        for name, value in metrics.items()
        if name.rpartition('/')[2] == 'cells_score_thr'
    ]
    return float(given[0]) if given else _SCORE_THR
