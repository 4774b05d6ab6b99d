"""Tables of a test report, as rows of text for Markdown and HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Values of CellScores by their key: label, and what it is.
_FIELD_SCORES = {
    'mean_accuracy': (
        'Mean accuracy',
        'TP / (TP + FP + FN), mean over IoU 0.5 to 0.95 (Data Science Bowl '
        '2018; "AP" of Cellpose and StarDist)',
    ),
    'f1_50': ('F1 at IoU 0.5', '2 TP / (2 TP + FP + FN)'),
    'f1_75': ('F1 at IoU 0.75', 'the same with tighter matches'),
    'pq': ('Panoptic quality', 'mean IoU of the matches, times F1'),
    'aji': ('Aggregated Jaccard', 'shared pixels / pixels of either'),
    'seg': ('SEG', "mean Jaccard of the cells, Cell Tracking Challenge's"),
    'fnr': (
        'False-negative ratio',
        "FN / (TP + FN), mean over IoU 0.5 to 0.95, LIVECell's; lower is "
        'better',
    ),
}
_COUNT_ERRORS = {
    'count_error': ('Count error', 'mean of found minus true cells'),
    'count_error_abs': ('Size of the count error', 'mean over images'),
    'count_error_rel': (
        'Relative count error',
        'its size as a share of the true cells, mean over images',
    ),
}
_HEADINGS = {
    'num_images': 'images',
    'num_instances': 'instances',
    'num_detections': 'detections',
    'mAP': 'AP',
    'mAP_50': 'AP50',
    'mAP_75': 'AP75',
    'mAP_s': 'AP small',
    'mAP_m': 'AP medium',
    'mAP_l': 'AP large',
}
_CAP_COLUMNS = {
    'mAP': 'AP',
    'mAP_all_given': 'AP of all given',
    'mAP_low': 'lower bound',
    'mAP_high': 'upper bound',
    'num_images_at_cap': 'images at a limit',
    'num_images_at_detector_limit': "images at the model's",
    'num_detections_dropped': 'detections left out',
}
_METRIC_NAMES = {'bbox': 'boxes', 'segm': 'masks'}
_NOT_DEFINED = 'n/a'


@dataclass(frozen=True)
class Table:
    """A table with its heading.

    Attributes:
        title (str): The heading.
        rows (list[list[str]]): Header and rows.
        note (str): What a reader must know. Defaults to none.
        folded (bool): Whether a page may show it on demand only, as it can
            be long. Defaults to False.
    """

    title: str
    rows: list[list[str]] = field(default_factory=list)
    note: str = ''
    folded: bool = False


def field_table(metrics: Mapping[str, float | None]) -> Table | None:
    """Lay out the cell field's own metrics.

    Args:
        metrics (Mapping): Metrics of a report.

    Returns:
        Table, optional: The table; None where they were not computed.
    """
    found = {}
    for name, value in metrics.items():
        key = name.rpartition('/')[2]
        if key.startswith('cells_'):
            found.setdefault(key.removeprefix('cells_'), value)
    if not found:
        return None
    rows = [['metric', 'image mean', 'pooled', 'what it is']]
    for key, (label, meaning) in _FIELD_SCORES.items():
        if key in found:
            pooled = found.get(f'{key}_pooled')
            rows.append([label, _times_100(found[key]), _times_100(pooled)])
            rows[-1].append(meaning)
    for key, (label, meaning) in _COUNT_ERRORS.items():
        if key in found:
            value = found[key]
            # A count may be too low by one: only here -1 is a value.
            undefined = value is None or (key != 'count_error' and value < 0)
            if undefined:
                text = _NOT_DEFINED
            elif key == 'count_error_rel':
                text = f'{100 * value:.2f}'
            else:
                text = (
                    f'{value:+.2f}'
                    if key == 'count_error'
                    else (f'{value:.2f}')
                )
            rows.append([label, text, '', meaning])
    score_thr = found.get('score_thr')
    at = '' if score_thr is None else f' with scores of {score_thr:g} or more'
    return Table(
        'Cell metrics',
        rows,
        f'Times 100, but for cell counts; of masks{at}, classes not told '
        'apart, overlaps resolved by score first. "Image mean" averages the '
        'figures of the images, "pooled" takes all images as one.',
    )


def group_tables(details: Mapping[str, Any]) -> list[Table]:
    """Lay out AP by class and by stratum.

    Args:
        details (Mapping): ``details`` of a report.

    Returns:
        list[Table]: A table for each of classes and strata, and for boxes
        and masks; none where there is one group only.
    """
    tables = []
    for key, what in (('by_class', 'class'), ('by_stratum', 'stratum')):
        for metric, groups in (details.get(key) or {}).items():
            if len(groups) < 2:
                continue
            columns = list(groups[0])
            rows = [[_heading(name, what) for name in columns]]
            rows += [
                [_cell(group.get(name)) for name in columns]
                for group in groups
            ]
            name = _METRIC_NAMES.get(metric, metric)
            title = f'AP of {name} by {what}'
            note = 'AP and AR times 100.'
            tables.append(Table(title, rows, note, len(groups) > 12))
    return tables


def error_table(errors: Mapping[str, Any]) -> Table | None:
    """Lay out the kinds of errors.

    Args:
        errors (Mapping): ``error_kinds`` of a report.

    Returns:
        Table, optional: The table; None where there is none.
    """
    if not errors:
        return None
    rows = [['error', 'cells', 'detections', 'share', 'definition']]
    for row in errors['rows']:
        rows.append(
            [
                row['kind'].replace('_', ' '),
                f'{row["cells"]:,}',
                f'{row["detections"]:,}',
                f'{100 * row["share"]:.1f} %',
                row['definition'],
            ]
        )
    unmatched = errors['cells'] - errors['matched']
    ignored = errors['ignored_detections']
    crowd = f', {ignored:,} in crowd regions not counted' if ignored else ''
    note = (
        f'By {errors["shapes"]}, of detections with scores of '
        f'{errors["score_thr"]:g} or more ({errors["detections"]:,}{crowd}) '
        f'and all {errors["cells"]:,} cells, classes not told apart. A '
        'detection matches the cell that it overlaps most, from the highest '
        f'score on, if the IoU is at least {errors["iou_thr"]:g}: '
        f'{errors["matched"]:,} do. Each other cell and detection is of one '
        'kind, by the first rule that holds; "share" is of all '
        f'{errors["errors"]:,} errors. Of the {unmatched:,} cells without a '
        f'match, {errors["found_below_score_thr"]:,} would be matched by '
        'detections of a lower score. Overlapping detections are not '
        'resolved first, unlike for the cell metrics.'
    )
    return Table('Kinds of errors', rows, note)


def cap_table(details: Mapping[str, Any]) -> Table | None:
    """Lay out by how much AP could move had no limit cut detections.

    Args:
        details (Mapping): ``details`` of a report.

    Returns:
        Table, optional: The table; None where no limit was reached.
    """
    effect = details.get('cap_effect') or {}
    if not effect:
        return None
    rows = [['', *_CAP_COLUMNS.values()]]
    for metric, row in effect.items():
        rows.append([_METRIC_NAMES.get(metric, metric)])
        rows[-1] += [_cell(row.get(name)) for name in _CAP_COLUMNS]
    return Table(
        'Detections cut at a limit',
        rows,
        'Some images have as many detections as max_dets or the model '
        '(max_per_img) allows. AP times 100: as reported, with the '
        'detections that max_dets left out, and the bounds that it lies '
        'between without any limit.',
    )


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Draw a Markdown table whose columns line up in plain text too.

    Args:
        rows (Sequence[Sequence[str]]): Header and rows.

    Returns:
        str: The table.
    """
    rows = [
        [' '.join(cell.replace('|', r'\|').split('\n')) for cell in row]
        for row in rows
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    lines = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(row, widths)) + ' |'
        for row in rows
    ]
    rule = '|' + '|'.join('-' * (width + 2) for width in widths) + '|'
    return '\n'.join([lines[0], rule, *lines[1:]])


def _heading(key: str, what: str) -> str:
    if key == 'name':
        return what
    return _HEADINGS.get(key, key.replace('mAP_', 'AP '))


def _times_100(value: float | None) -> str:
    return _NOT_DEFINED if value is None or value < 0 else f'{100 * value:.2f}'


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f'{value:,}'
    if value is None or isinstance(value, float):
        return _times_100(value)
    return str(value)
