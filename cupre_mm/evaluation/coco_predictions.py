"""Predictions of a detector: checked, counted and in COCO's format.

A prediction is a dict of one image: ``img_id``, ``bboxes`` (N, 4) as x1, y1,
x2, y2 in pixels, ``scores`` (N,), ``labels`` (N,), and maybe ``masks``, N
run-length codes, and ``mask_scores`` (N,).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO

from cupre_mm.utils.errors import BadConfigError, BadDataError

from .coco_annotations import shorten


def check_finite(preds: Sequence[dict]) -> None:
    """Refuse scores and boxes that no ranking can use.

    Args:
        preds (Sequence[dict]): Predictions.

    Raises:
        BadDataError: If a score or a box is NaN or infinite.
    """
    for pred in preds:
        for name in ('scores', 'bboxes'):
            if not np.isfinite(pred[name]).all():
                raise BadDataError(
                    f'the {name} predicted for image {pred["img_id"]} hold '
                    'NaN or infinity: the training diverged, or the '
                    'checkpoint is not for this model'
                )


def check_predictions(
    preds: Sequence[dict],
    coco: COCO,
    num_classes: int,
    with_masks: bool,
    source: str,
) -> None:
    """Make sure that predictions belong to the ground truth.

    Args:
        preds (Sequence[dict]): Predictions.
        coco (COCO): The ground truth.
        num_classes (int): Number of classes of the data set.
        with_masks (bool): Whether masks are to be scored.
        source (str): What to call the ground truth in the message.

    Raises:
        BadDataError: If an image is unknown or comes twice, or a mask has
            not the size of its image.
        BadConfigError: If a label has no class, or masks are absent.
    """
    images = coco.imgs
    times = Counter(pred['img_id'] for pred in preds)
    unknown = [img_id for img_id in times if img_id not in images]
    if unknown:
        raise BadDataError(
            f'there are predictions for {len(unknown)} image ids that '
            f'{source} does not hold: {shorten(unknown)}. The ann_file of '
            "the evaluator must be the data set's"
        )
    twice = [img_id for img_id, count in times.items() if count > 1]
    if twice:
        raise BadDataError(
            f'image ids {shorten(twice)} were predicted more than once'
        )
    for pred in preds:
        img_id, labels = pred['img_id'], pred['labels']
        if len(labels) and labels.max() >= num_classes:
            raise BadConfigError(
                f'label {labels.max()} was predicted for image {img_id}, but '
                f'the data set has {num_classes} classes; set num_classes of '
                "the model's heads to that"
            )
        if with_masks:
            info = images[img_id]
            size = [int(info['height']), int(info['width'])]
            _check_masks(pred, size, source)


def _check_masks(pred: dict, size: list[int], source: str) -> None:
    if 'masks' not in pred:
        raise BadConfigError(
            f"metric 'segm' needs masks, but image {pred['img_id']} was "
            "predicted without; set the evaluator's metric='bbox'"
        )
    for mask in pred['masks']:
        if list(mask['size']) != size:
            raise BadDataError(
                f'a mask of {list(mask["size"])} (height, width) was '
                f'predicted for image {pred["img_id"]}, which is {size} in '
                f'{source}'
            )


def drop_labels_from(
    first: int, preds: Sequence[dict]
) -> tuple[list[dict], int]:
    """Leave out detections whose label has no category.

    Args:
        first (int): The first label without a category.
        preds (Sequence[dict]): Predictions.

    Returns:
        tuple[list[dict], int]: The rest, and how many were left out.
    """
    kept, dropped = [], 0
    for pred in preds:
        keep = pred['labels'] < first
        if not keep.all():
            dropped += int((~keep).sum())
            pred = {name: _select(value, keep) for name, value in pred.items()}
        kept.append(pred)
    return kept, dropped


def _select(value: Any, keep: np.ndarray) -> Any:
    if isinstance(value, np.ndarray):
        return value[keep]
    if isinstance(value, list):
        return [item for item, wanted in zip(value, keep) if wanted]
    return value


def to_coco_results(
    preds: Sequence[dict], metric: str, cat_ids: Sequence[int]
) -> list[dict]:
    """Turn predictions into COCO results.

    Args:
        preds (Sequence[dict]): Predictions.
        metric (str): ``'bbox'`` for boxes or ``'segm'`` for masks. A mask's
            result has no box: ``COCO.loadRes`` would take the box's area
            for the mask's and put it into the wrong size range.
        cat_ids (Sequence[int]): Category id of each label.

    Returns:
        list[dict]: One result for each detection.
    """
    results = []
    for pred in preds:
        scores = pred['scores']
        if metric == 'segm':
            shapes = pred['masks']
            scores = pred.get('mask_scores', scores)
            key = 'segmentation'
        else:
            # Differences of large float32 coordinates would lose digits.
            boxes = pred['bboxes'].astype(np.float64)
            shapes = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
            shapes, key = shapes.tolist(), 'bbox'
        results.extend(
            {
                'image_id': pred['img_id'],
                'category_id': cat_ids[label],
                'score': float(score),
                key: shape,
            }
            for label, score, shape in zip(pred['labels'], scores, shapes)
        )
    return results


def count_capped(
    preds: Sequence[dict], max_dets: int, detector_limit: int | None = None
) -> tuple[int, int]:
    """Count what a cap on the detections of an image touches.

    Args:
        preds (Sequence[dict]): Predictions.
        max_dets (int): Detections of one class in one image that count.
        detector_limit (int, optional): Most detections that the model gives
            for an image. Defaults to None.

    Returns:
        tuple[int, int]: Images with ``max_dets`` detections or more of one
        class or ``detector_limit`` or more in all, and detections beyond
        ``max_dets``.
    """
    at_cap = dropped = 0
    for pred in preds:
        per_class = np.bincount(pred['labels'], minlength=1)
        dropped += int(np.maximum(per_class - max_dets, 0).sum())
        full = per_class.max() >= max_dets
        if detector_limit is not None:
            full = full or per_class.sum() >= detector_limit
        at_cap += bool(full)
    return at_cap, dropped
