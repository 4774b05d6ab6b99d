"""AP and AR of boxes or masks: of all images, by class and by stratum."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO
from tqdm import tqdm

from .cap_effect import CapCounts, ap_bounds, cap_effect
from .coco_scores import class_mean, mean_of_defined, scores_of
from .image_matches import ImageContent, ImageMatches, in_chunks
from .metric_settings import MetricSettings

# Seconds before a bar of progress shows: most sets are scored in less.
_PATIENCE = 5.0


@dataclass
class MetricResult:
    """What one metric found.

    Attributes:
        values (dict[str, float]): Every value, ``AR@n`` of all caps as well.
        precision (np.ndarray): Class mean, (T, 101).
        ap_by_iou (np.ndarray): AP at each threshold, (T,).
        recall_by_size (list[tuple]): Name, least and largest area in px and
            AR of each size bin.
        by_class (list[dict]): A row a class, see
            :class:`.EvaluationDetails`.
        by_stratum (list[dict]): A row a stratum.
        cap_effect (dict[str, float], optional): See :func:`.cap_effect`;
            None where no limit touched a detection.
    """

    values: dict[str, float]
    precision: np.ndarray
    ap_by_iou: np.ndarray
    recall_by_size: list[tuple[str, float, float, float]]
    by_class: list[dict[str, Any]]
    by_stratum: list[dict[str, Any]]
    cap_effect: dict[str, float] | None


def image_contents(
    coco: COCO, preds: Iterable[dict], label_of: Mapping[int, int]
) -> Iterator[ImageContent]:
    """Bring predictions and ground truth of each image together.

    Args:
        coco (COCO): The ground truth.
        preds (Iterable[dict]): Predictions, one for each image.
        label_of (Mapping[int, int]): Label by category id; annotations of
            other categories are left out.

    Yields:
        ImageContent: The images in the order of the predictions.
    """
    for pred in preds:
        annotations = coco.imgToAnns.get(pred['img_id'], [])
        truths = [
            {**ann, 'category_id': label_of[ann['category_id']]}
            for ann in annotations
            if ann['category_id'] in label_of
        ]
        yield ImageContent(coco.imgs[pred['img_id']], truths, pred)


def count_truths(
    coco: COCO,
    preds: Sequence[dict],
    label_of: Mapping[int, int],
    num_classes: int,
) -> np.ndarray:
    """Count the instances of each image and class, crowd left out.

    Args:
        coco (COCO): The ground truth.
        preds (Sequence[dict]): Predictions, one for each image.
        label_of (Mapping[int, int]): Label by category id.
        num_classes (int): Number of labels.

    Returns:
        np.ndarray: (image, class), int.
    """
    counts = np.zeros((len(preds), num_classes), int)
    for position, pred in enumerate(preds):
        for ann in coco.imgToAnns.get(pred['img_id'], []):
            label = label_of.get(ann['category_id'])
            if label is not None and not ann['iscrowd']:
                counts[position, label] += 1
    return counts


def evaluate_metric(
    metric: str,
    coco: COCO,
    preds: Sequence[dict],
    label_of: Mapping[int, int],
    classes: Sequence[str],
    settings: MetricSettings,
    iou_thrs: np.ndarray,
    capped: CapCounts,
    strata: Mapping[int, str],
) -> MetricResult:
    """Score boxes or masks.

    Args:
        metric (str): ``'bbox'`` or ``'segm'``.
        coco (COCO): The ground truth.
        preds (Sequence[dict]): Predictions, one for each image, by ascending
            image id.
        label_of (Mapping[int, int]): Label by category id.
        classes (Sequence[str]): Name of each label.
        settings (MetricSettings): What to measure.
        iou_thrs (np.ndarray): IoU thresholds, (T,).
        capped (CapCounts): What limits on detections touched.
        strata (Mapping[int, str]): Stratum by image id.

    Returns:
        MetricResult: The scores.
    """
    # What max_dets leaves out is matched too: what it costs is then known.
    cap = max(settings.max_dets, capped.most)
    matches = ImageMatches(
        metric,
        len(classes),
        iou_thrs,
        settings.bins,
        cap,
        with_outcomes=len(capped.at_limit) > 0,
    )
    with tqdm(
        total=len(preds),
        desc=f'scoring {metric}',
        unit='image',
        delay=_PATIENCE,
        leave=False,
    ) as bar:
        for chunk in in_chunks(image_contents(coco, preds, label_of)):
            matches.add(chunk)
            bar.update(len(chunk))
    truths = count_truths(coco, preds, label_of, len(classes))
    found = np.array(
        [np.bincount(p['labels'], minlength=len(classes)) for p in preds], int
    ).reshape(-1, len(classes))
    caps = sorted({*settings.caps, cap})
    at = caps.index(settings.max_dets)
    precision, recall = matches.accumulate(caps)
    values = scores_of(
        precision[..., at], recall[..., at], iou_thrs, settings.bins
    )
    for i, n in enumerate(caps):
        if n in settings.caps:
            values[f'AR@{n}'] = mean_of_defined(recall[:, :, 0, i])
    by_class = [
        {
            'name': name,
            'num_images': int((truths[:, i] > 0).sum()),
            'num_instances': int(truths[:, i].sum()),
            'num_detections': int(found[:, i].sum()),
            **scores_of(
                precision[:, :, i : i + 1, :, at],
                recall[:, i : i + 1, :, at],
                iou_thrs,
                settings.bins,
            ),
        }
        for i, name in enumerate(classes)
    ]
    effect = None
    if capped.num_dropped or len(capped.at_limit):
        uncapped = mean_of_defined(precision[..., 0, -1])
        bounds = None
        if len(capped.at_limit):
            floors = np.array(
                [preds[i]['scores'].min() for i in capped.at_limit], float
            )
            bounds = ap_bounds(
                matches.outcomes(), truths, floors, capped.at_limit
            )
        effect = cap_effect(values['mAP'], uncapped, capped, bounds)
    return MetricResult(
        values=values,
        precision=class_mean(precision[..., 0, at]),
        ap_by_iou=np.array(
            [mean_of_defined(part) for part in precision[..., 0, at]]
        ),
        recall_by_size=[
            (b.name, b.low, b.high, values[f'AR_{b.key}'])
            for b in settings.bins
        ],
        by_class=by_class,
        by_stratum=_by_stratum(
            matches, preds, truths, found, strata, settings, iou_thrs
        ),
        cap_effect=effect,
    )


def _by_stratum(
    matches: ImageMatches,
    preds: Sequence[dict],
    truths: np.ndarray,
    found: np.ndarray,
    strata: Mapping[int, str],
    settings: MetricSettings,
    iou_thrs: np.ndarray,
) -> list[dict[str, Any]]:
    positions: dict[str, list[int]] = {}
    for position, pred in enumerate(preds):
        if pred['img_id'] in strata:
            stratum = strata[pred['img_id']]
            positions.setdefault(stratum, []).append(position)
    rows = []
    for name in sorted(positions):
        where = positions[name]
        precision, recall = matches.accumulate([settings.max_dets], where)
        rows.append(
            {
                'name': name,
                'num_images': len(where),
                'num_instances': int(truths[where].sum()),
                'num_detections': int(found[where].sum()),
                **scores_of(
                    precision[..., 0], recall[..., 0], iou_thrs, settings.bins
                ),
            }
        )
    return rows
