"""What a report keeps of an evaluation: curves, images and error kinds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .error_kinds import (
    ERROR_KINDS,
    IGNORED,
    IOU_THR,
    TRUE_POSITIVE,
    ImageMatch,
    match_image,
)
from .evaluation_details import EvaluationDetails
from .score_calibration import calibrate


@dataclass
class ImageShapes:
    """Cells and detections of one image, as they are matched.

    Attributes:
        truth (list): Cells: RLEs, or boxes as left, top, width, height.
        crowd (list): Crowd regions alike.
        found (list): Detections alike.
        scores (np.ndarray): Their scores, (N,).
    """

    truth: list[Any]
    crowd: list[Any]
    found: list[Any]
    scores: np.ndarray

    def match(self, score_thr: float) -> ImageMatch:
        """See :func:`.match_image`."""
        return match_image(
            self.truth, self.found, self.scores, score_thr, self.crowd
        )


@dataclass
class ReportDetails:
    """Parts of ``report.json`` that plots and tables are drawn from.

    Attributes:
        curves (dict): The report's ``details``.
        images (list[dict]): A row an image.
        error_kinds (dict): The table of error kinds, its thresholds and how
            many cells were found.
    """

    curves: dict[str, Any] = field(default_factory=dict)
    images: list[dict[str, Any]] = field(default_factory=list)
    error_kinds: dict[str, Any] = field(default_factory=dict)


def collect_details(
    details: EvaluationDetails, score_thr: float = 0.5
) -> ReportDetails:
    """Match every image once and gather what a report shows.

    Masks are matched where the evaluation scored masks, else boxes.

    Args:
        details (EvaluationDetails): What ``CellMetric`` kept.
        score_thr (float): Least score of a detection that counts for error
            kinds and counts. Defaults to 0.5.

    Returns:
        ReportDetails: All of it, fit for JSON.
    """
    shapes = 'masks' if 'segm' in details.precision else 'boxes'
    by_id = {row['img_id']: row for row in details.images}
    rows, matches = [], []
    for img_id, image in image_shapes(details):
        match = image.match(score_thr)
        rows.append({**by_id.get(img_id, {'img_id': img_id}), **_row(match)})
        matches.append(match)
    curves = {
        'source': details.source,
        'classes': list(details.classes),
        'max_dets': details.max_dets,
        'score_thr': score_thr,
        'shapes': shapes,
        'iou_thrs': details.iou_thrs,
        'recall_thrs': details.recall_thrs,
        'precision': details.precision,
        'ap_by_iou': details.ap_by_iou,
        'recall_by_size': details.recall_by_size,
        'by_class': details.by_class,
        'by_stratum': details.by_stratum,
        'cap_effect': details.cap_effect,
        'calibration': _calibration(matches),
    }
    return ReportDetails(
        curves=to_json_types(curves),
        images=to_json_types(rows),
        error_kinds=_error_table(matches, score_thr, shapes),
    )


def image_shapes(
    details: EvaluationDetails, img_ids: Iterable[Any] | None = None
) -> Iterator[tuple[Any, ImageShapes]]:
    """Give what is to be matched, image by image.

    Args:
        details (EvaluationDetails): What ``CellMetric`` kept.
        img_ids (Iterable, optional): The images. Defaults to None, all.

    Yields:
        tuple[Any, ImageShapes]: Image id, and its cells and detections. An
        image that was not predicted has no detections.
    """
    masks = 'segm' in details.precision
    truth = details.ground_truth
    wanted = {*details.category_ids}
    preds = {pred['img_id']: pred for pred in details.predictions}
    for img_id in truth.imgs if img_ids is None else img_ids:
        cells, crowd = [], []
        for ann in truth.imgToAnns.get(img_id, []):
            if ann['category_id'] in wanted:
                shape = ann['segmentation'] if masks else ann['bbox']
                (crowd if ann.get('iscrowd') else cells).append(shape)
        found, scores = _found(preds.get(img_id), masks)
        yield img_id, ImageShapes(cells, crowd, found, scores)


def _found(pred: Mapping | None, masks: bool) -> tuple[list, np.ndarray]:
    if pred is None:
        return [], np.zeros(0)
    if masks:
        return list(pred['masks']), pred.get('mask_scores', pred['scores'])
    boxes = np.asarray(pred['bboxes'], float).reshape(-1, 4)
    return list(np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])), pred[
        'scores'
    ]


def _row(match: ImageMatch) -> dict[str, Any]:
    """What every image's row has, whatever else was measured on it."""
    cells, correct = len(match.truth), match.count(TRUE_POSITIVE)[1]
    found = len(match.found) - match.count(IGNORED)[1]
    f1 = 2 * correct / (cells + found) if cells + found else None
    row = {
        'cells': cells,
        'detections': found,
        'matched': correct,
        'matched_f1': f1,
    }
    for kind in ERROR_KINDS:
        row[f'{kind}_cells'], row[f'{kind}_detections'] = match.count(kind)
    return row


def _calibration(matches: list[ImageMatch]) -> dict[str, list | float]:
    def joined(name: str) -> np.ndarray:
        parts = [getattr(one, name)[~one.ignored] for one in matches]
        return np.concatenate(parts) if parts else np.zeros(0)

    return calibrate(joined('scores'), joined('correct').astype(float))


def _error_table(
    matches: list[ImageMatch], score_thr: float, shapes: str
) -> dict[str, Any]:
    counts = {
        kind: np.sum([m.count(kind) for m in matches] or [(0, 0)], axis=0)
        for kind in (TRUE_POSITIVE, IGNORED, *ERROR_KINDS)
    }
    total = int(sum(counts[kind].sum() for kind in ERROR_KINDS))
    rows = [
        {
            'kind': kind,
            'definition': definition,
            'cells': int(counts[kind][0]),
            'detections': int(counts[kind][1]),
            'share': int(counts[kind].sum()) / total if total else 0.0,
        }
        for kind, definition in ERROR_KINDS.items()
    ]
    return {
        'score_thr': score_thr,
        'iou_thr': IOU_THR,
        'shapes': shapes,
        'cells': sum(len(m.truth) for m in matches),
        'detections': sum(len(m.found) for m in matches),
        'matched': int(counts[TRUE_POSITIVE][0]),
        'ignored_detections': int(counts[IGNORED][1]),
        'found_below_score_thr': sum(m.low_score for m in matches),
        'errors': total,
        'rows': rows,
    }


def to_json_types(value: Any) -> Any:
    """Turn arrays into lists and NaN, which JSON lacks, into None.

    Args:
        value (Any): Numbers, text, arrays, and dicts and lists of them.

    Returns:
        Any: The same as ``json`` can write it.
    """
    if isinstance(value, Mapping):
        return {str(key): to_json_types(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_types(part) for part in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_json_types(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
