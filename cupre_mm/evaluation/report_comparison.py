"""Compares the reports of several models on the same test images."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cupre_mm.utils.errors import BadConfigError, BadDataError

from .paired_bootstrap import Bootstrap, PairedDifference, paired_difference
from .saved_reports import SavedReport, check_comparable, is_number

_COCO_LABELS = {
    'mAP': 'AP',
    'mAP_50': 'AP50',
    'mAP_75': 'AP75',
    'AR': 'AR',
}
_COCO_SCORE = re.compile(r'(bbox|segm)_(mAP|mAP_50|mAP_75|AR)$')
# Sums, thresholds and pooled values stay out of the table.
_CELL_SCORES = {
    'mean_accuracy': 'mean accuracy',
    'f1_50': 'F1 at IoU 0.5',
    'f1_75': 'F1 at IoU 0.75',
    'pq': 'PQ',
    'aji': 'AJI',
    'seg': 'SEG',
    'fnr': 'FNR (lower is better)',
    'count_error_abs': 'size of the count error (cells)',
    'count_error': 'count error (cells)',
}
_CELL_SCORE = re.compile(rf'cells_({"|".join(_CELL_SCORES)})$')


@dataclass(frozen=True)
class Measure:
    """A figure of single images that models can be compared by.

    Attributes:
        label (str): What it is called.
        higher_is_better (bool): Whether a positive difference is a gain.
            Defaults to True.
        is_error (bool): Whether it is a signed error, of which the size is
            compared. Defaults to False.
    """

    label: str
    higher_is_better: bool = True
    is_error: bool = False

    def value_of(self, row: dict[str, Any], key: str) -> float:
        """Read the figure from an image's row.

        Args:
            row (dict): The image's figures.
            key (str): The figure's name.

        Returns:
            float: The value; NaN where it is not defined.

        Raises:
            BadDataError: If it is no number.
        """
        value = row.get(key)
        if value is not None and not is_number(value):
            raise BadDataError(
                f'{key} of an image is {value!r}, which is no number: write '
                'the report anew'
            )
        if value is None or not math.isfinite(value):
            return math.nan
        if self.is_error:
            return abs(float(value))
        # COCO's mark of a value that nothing defines.
        return float(value) if value >= 0 else math.nan


MEASURES = {
    'mean_accuracy': Measure('mean accuracy'),
    'f1_50': Measure('F1 at IoU 0.5'),
    'count_error': Measure('size of the count error', False, True),
    'f1_75': Measure('F1 at IoU 0.75'),
    'pq': Measure('panoptic quality'),
    'aji': Measure('aggregated Jaccard index'),
    'seg': Measure('SEG'),
    'fnr': Measure('false-negative ratio', higher_is_better=False),
    'matched_f1': Measure("F1 of the report's matches"),
}
DEFAULT_MEASURES = ('mean_accuracy', 'f1_50', 'count_error')


@dataclass(frozen=True)
class PairedResult:
    """A model against the baseline by one measure.

    Attributes:
        name (str): The model.
        measure (str): Key of :data:`MEASURES`.
        differences (dict[str, float]): Model minus baseline by file name.
        num_undefined (int): Images left out, as the measure is not defined
            on them for both.
        estimate (PairedDifference): Their mean and its interval.
    """

    name: str
    measure: str
    differences: dict[str, float]
    num_undefined: int
    estimate: PairedDifference


@dataclass(frozen=True)
class Comparison:
    """What comparing reports gives.

    Attributes:
        reports (list[SavedReport]): The reports, the baseline first.
        columns (dict[str, str]): Scores of the table: the metric's name in
            the reports by its label.
        paired (list[PairedResult]): Paired differences to the baseline.
        bootstrap (Bootstrap): How the intervals were computed.
        notes (list[str]): What to know about the reports.
    """

    reports: list[SavedReport]
    columns: dict[str, str]
    paired: list[PairedResult]
    bootstrap: Bootstrap
    notes: list[str] = field(default_factory=list)

    @property
    def baseline(self) -> SavedReport:
        """The report that the others are compared with."""
        return self.reports[0]

    def difference(self, report: SavedReport, metric: str) -> float | None:
        """Subtract the baseline's score of the whole test set.

        Args:
            report (SavedReport): The model's report.
            metric (str): Name of the metric.

        Returns:
            float, optional: The difference; None where one of the two is
            not defined.
        """
        values = [score_of(one, metric) for one in (report, self.baseline)]
        return None if None in values else values[0] - values[1]


def compare_reports(
    reports: Sequence[SavedReport],
    baseline: str | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """Compare models with a baseline, on the whole and image by image.

    Args:
        reports (Sequence[SavedReport]): Two reports or more.
        baseline (str, optional): Name of the baseline's report. Defaults to
            None, the first.
        measures (Sequence[str]): Keys of :data:`MEASURES`. Defaults to mean
            accuracy, F1 at IoU 0.5 and count error.
        bootstrap (Bootstrap, optional): How to compute the intervals.
            Defaults to None, the defaults of :class:`Bootstrap`.

    Returns:
        Comparison: Scores and differences.

    Raises:
        BadConfigError: If no report is named as the baseline, or a measure
            is not known.
        BadDataError: If the reports are not of the same test images.
    """
    unknown = [key for key in measures if key not in MEASURES]
    if unknown:
        raise BadConfigError(
            f'measures {unknown} are not known; there are {list(MEASURES)}'
        )
    names = [report.name for report in reports]
    if baseline is not None and baseline not in names:
        raise BadConfigError(
            f'the baseline {baseline!r} is none of the reports {names}'
        )
    first = names.index(baseline) if baseline is not None else 0
    others = [report for i, report in enumerate(reports) if i != first]
    ordered = [reports[first], *others]
    notes = check_comparable(ordered)
    bootstrap = bootstrap or Bootstrap()
    paired = []
    for key in dict.fromkeys(measures):
        lacking = [
            report.name
            for report in ordered
            if report.images and not _has(report, key)
        ]
        if lacking:
            notes.append(
                f'The images of {", ".join(lacking)} have no {key}: they are '
                'left out of its paired differences.'
            )
        if not _has(ordered[0], key):
            continue
        paired += [
            _pair(ordered[0], other, key, bootstrap)
            for other in others
            if _has(other, key)
        ]
    return Comparison(ordered, _columns(ordered), paired, bootstrap, notes)


def score_of(report: SavedReport, metric: str) -> float | None:
    """Read a score of the whole test set.

    Args:
        report (SavedReport): The report.
        metric (str): Name of the metric.

    Returns:
        float, optional: The score; None where it is absent or not defined.
    """
    value = report.metrics.get(metric)
    if value is None or not math.isfinite(value):
        return None
    # A negative count error says that too few cells were found.
    signed = metric.endswith('count_error')
    return float(value) if value >= 0 or signed else None


def _columns(reports: Sequence[SavedReport]) -> dict[str, str]:
    """Pick the metrics of the table, boxes before masks before cells."""
    metrics = dict.fromkeys(key for one in reports for key in one.metrics)
    # The name of one evaluator says nothing; those of several do.
    several = len({key.rpartition('/')[0] for key in metrics}) > 1
    groups: dict[str, dict[str, str]] = {'bbox': {}, 'segm': {}, 'cells': {}}
    for metric in metrics:
        prefix, _, name = metric.rpartition('/')
        if found := _COCO_SCORE.match(name):
            group, item = found.groups()
            label = f'{_COCO_LABELS[item]}_{group}'
        elif found := _CELL_SCORE.match(name):
            group, label = 'cells', _CELL_SCORES[found[1]]
        else:
            continue
        label = f'{prefix} {label}' if several and prefix else label
        groups[group][label] = metric
    # Reports are stored in the order of the alphabet.
    items = [*_COCO_LABELS.values()]
    figures = [*_CELL_SCORES.values()]
    ranks = {
        'bbox': lambda label: items.index(
            label.split()[-1].rpartition('_')[0]
        ),
        'cells': lambda label: next(
            i for i, known in enumerate(figures) if label.endswith(known)
        ),
    }
    ranks['segm'] = ranks['bbox']
    return {
        label: columns[label]
        for group, columns in groups.items()
        for label in sorted(columns, key=ranks[group])
    }


def _has(report: SavedReport, key: str) -> bool:
    return any(key in row for row in report.images.values())


def _pair(
    baseline: SavedReport, report: SavedReport, key: str, bootstrap: Bootstrap
) -> PairedResult:
    measure = MEASURES[key]
    differences = {
        name: measure.value_of(report.images[name], key)
        - measure.value_of(row, key)
        for name, row in baseline.images.items()
    }
    defined = {
        name: value
        for name, value in differences.items()
        if not math.isnan(value)
    }
    return PairedResult(
        name=report.name,
        measure=key,
        differences=defined,
        num_undefined=len(differences) - len(defined),
        estimate=paired_difference(
            np.array([*defined.values()]),
            measure.higher_is_better,
            bootstrap,
        ),
    )
