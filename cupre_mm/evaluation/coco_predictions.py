"""Predictions of a detector: checked, counted and in COCO's format.

A prediction is a dict of one image: ``img_id``, ``bboxes`` (N, 4) as x1, y1,
x2, y2 in pixels, ``scores`` (N,), ``labels`` (N,), and maybe ``masks``, N
run-length codes, and ``mask_scores`` (N,).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCO
from faster_coco_eval import mask as mask_utils

from cupre_mm.utils.errors import BadConfigError, BadDataError

from .coco_annotations import shorten
from .run_length_checks import fills_image


def check_finite(preds: Sequence[dict]) -> None:
    """Refuse scores and boxes that no ranking can use.

    Args:
        preds (Sequence[dict]): Predictions.

    Raises:
        BadDataError: If a score or a box is NaN or infinite.
    """
    for pred in preds:
        for name in ('scores', 'mask_scores', 'bboxes'):
            if name in pred and not np.isfinite(pred[name]).all():
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
        BadDataError: If an image is unknown, a label negative, or a mask has
            not the size of its image.
        BadConfigError: If a label has no class, or masks are absent.
    """
    images = coco.imgs
    unknown = [p['img_id'] for p in preds if p['img_id'] not in images]
    if unknown:
        raise BadDataError(
            f'there are predictions for {len(unknown)} image ids that '
            f'{source} does not hold: {shorten(unknown)}. The ann_file of '
            "the evaluator must be the data set's"
        )
    for pred in preds:
        img_id, labels = pred['img_id'], pred['labels']
        if len(labels) and labels.max() >= num_classes:
            raise BadConfigError(
                f'label {labels.max()} was predicted for image {img_id}, but '
                f'the data set has {num_classes} classes; set num_classes of '
                "the model's heads to that"
            )
        if len(labels) and labels.min() < 0:
            raise BadDataError(
                f'label {labels.min()} was predicted for image {img_id}: '
                'labels count from 0'
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
    try:
        whole = fills_image(pred['masks'])
    except (RuntimeError, TypeError, ValueError) as error:
        raise BadDataError(
            f'a mask predicted for image {pred["img_id"]} is no run-length '
            f'code ({error})'
        ) from error
    if not whole.all():
        raise BadDataError(
            f'the run lengths of {int((~whole).sum())} masks predicted for '
            f'image {pred["img_id"]} do not fill its {size} pixels (height, '
            'width): they were cut off or are of another image'
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


def to_detections(pred: dict, metric: str) -> list[dict]:
    """Turn the predictions of an image into COCO results with areas.

    Args:
        pred (dict): Prediction of an image.
        metric (str): ``'bbox'`` for boxes or ``'segm'`` for masks. A box's
            area would put a mask into the wrong size bin, so each has its
            own.

    Returns:
        list[dict]: One result for each detection; the labels are the
        category ids.
    """
    scores = pred['scores']
    if metric == 'segm':
        shapes, key = pred['masks'], 'segmentation'
        scores = pred.get('mask_scores', scores)
        areas = np.asarray(mask_utils.area(list(shapes)), float)
    else:
        # Differences of large float32 coordinates would lose digits.
        boxes = pred['bboxes'].reshape(-1, 4).astype(np.float64)
        sizes = boxes[:, 2:] - boxes[:, :2]
        shapes, key = np.hstack([boxes[:, :2], sizes]).tolist(), 'bbox'
        areas = sizes.prod(axis=1)
    return [
        {
            'image_id': pred['img_id'],
            'category_id': label,
            'score': score,
            'area': area,
            'iscrowd': 0,
            key: shape,
        }
        for label, score, area, shape in zip(
            pred['labels'].tolist(), scores.tolist(), areas.tolist(), shapes
        )
    ]


def drop_repeats(preds: Sequence[dict], num_padded: int = 0) -> list[dict]:
    """Leave out images that a sampler gave to two processes.

    Samplers repeat images so that all processes get as many. The first
    prediction of each is kept.

    Args:
        preds (Sequence[dict]): Predictions of all processes.
        num_padded (int): Predictions beyond the size of the data set.
            Defaults to 0.

    Returns:
        list[dict]: One prediction for each image.

    Raises:
        BadDataError: If more repeat than were added.
    """
    first: dict[int, dict] = {}
    twice = []
    for pred in preds:
        if pred['img_id'] in first:
            twice.append(pred['img_id'])
        else:
            first[pred['img_id']] = pred
    if len(twice) > num_padded:
        raise BadDataError(
            f'image ids {shorten(twice)} were predicted more than once'
        )
    return list(first.values())


def one_for_each_image(
    preds: Sequence[dict], coco: COCO, with_masks: bool
) -> list[dict]:
    """Bring predictions into order, and fill in the images without one.

    Args:
        preds (Sequence[dict]): At most one for each image.
        coco (COCO): The ground truth.
        with_masks (bool): Whether masks were predicted.

    Returns:
        list[dict]: One for each image, by ascending id.
    """
    given = {pred['img_id']: pred for pred in preds}
    empty = {
        'bboxes': np.zeros((0, 4), np.float32),
        'scores': np.zeros(0, np.float32),
        'labels': np.zeros(0, np.int64),
        **({'masks': []} if with_masks else {}),
    }
    return [
        given.get(img_id, {'img_id': img_id, **empty})
        for img_id in sorted(coco.imgs)
    ]
