"""Scores in the log, and their names in the results."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from .coco_evaluation import MetricResult
from .metric_settings import MetricSettings

_COUNTS = {
    'num_images': 'images',
    'num_instances': 'instances',
    'num_detections': 'detections',
}


def report_scores(
    metric: str,
    result: MetricResult,
    settings: MetricSettings,
    classwise: bool = False,
    detector_limit: int | None = None,
) -> dict[str, float]:
    """Log what a metric found, and name it for the results.

    Args:
        metric (str): ``'bbox'`` or ``'segm'``.
        result (MetricResult): What it found.
        settings (MetricSettings): What was measured.
        classwise (bool): Whether classes are reported. Defaults to False.
        detector_limit (int, optional): Most detections that the model gives
            for an image. Defaults to None.

    Returns:
        dict[str, float]: ``{metric}_{item}``, and of each class
        ``{metric}_{name}_precision``, of each stratum ``{metric}_{name}_mAP``.
    """
    log = MMLogger.get_current_instance()
    values = {item: result.values[item] for item in settings.items}
    shown = ', '.join(f'{item} {v:.4f}' for item, v in values.items())
    log.info(
        f'{metric}, at most {settings.max_dets} detections of a class an '
        f'image: {shown}'
    )
    scores = {f'{metric}_{item}': v for item, v in values.items()}
    if classwise:
        table = score_table('category', result.by_class)
        log.info(f'{metric} by class\n{table}')
        for row in result.by_class:
            scores[f'{metric}_{row["name"]}_precision'] = row['mAP']
    if result.by_stratum:
        table = score_table('stratum', result.by_stratum)
        log.info(f'{metric} by stratum\n{table}')
        for row in result.by_stratum:
            scores[f'{metric}_{row["name"]}_mAP'] = row['mAP']
    if result.cap_effect is not None:
        text = describe_cap_effect(
            result.cap_effect, settings.max_dets, detector_limit
        )
        log.warning(f'{metric}: {text}')
    return scores


def score_table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw a table of classes or strata.

    Args:
        title (str): What a row is.
        rows (Sequence[Mapping]): Rows of :class:`.EvaluationDetails`.

    Returns:
        str: The table; ``n/a`` where no instance defines a value.
    """
    columns = [key for key in rows[0] if key != 'name']
    lines = [[title, *(_COUNTS.get(key, key) for key in columns)]]
    for row in rows:
        lines.append([row['name'], *(_cell(key, row[key]) for key in columns)])
    return AsciiTable(lines).table


def describe_cap_effect(
    effect: Mapping[str, float], max_dets: int, detector_limit: int | None
) -> str:
    """Say what limits on detections cut, and by how much AP could move.

    Args:
        effect (Mapping[str, float]): See :func:`.cap_effect.cap_effect`.
        max_dets (int): Detections of a class in an image that counted.
        detector_limit (int, optional): Most detections that the model gives.

    Returns:
        str: The sentences.
    """
    parts = []
    if effect['num_detections_dropped']:
        parts.append(
            f'{effect["num_detections_dropped"]} detections beyond max_dets='
            f'{max_dets} of a class and image were left out; with them mAP '
            f'is {effect["mAP_all_given"]:.4f} in place of '
            f'{effect["mAP"]:.4f}: raise max_dets'
        )
    if effect['num_images_at_detector_limit']:
        parts.append(
            f'{effect["num_images_at_detector_limit"]} images have as many '
            f'detections as the model gives ({detector_limit}). Had it given '
            f'more, mAP would lie between {effect["mAP_low"]:.4f} (all of '
            f'them wrong, any number) and {effect["mAP_high"]:.4f} (each '
            "missed instance found): raise the model's max_per_img"
        )
    return '. '.join(parts)


def _cell(key: str, value: float) -> str:
    if key in _COUNTS:
        return f'{value:,}'
    return 'n/a' if value < 0 else f'{value:.4f}'
