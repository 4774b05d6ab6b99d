"""Predictions as label images and back, so that both sides' metrics apply."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmdet.structures.mask import encode_mask_results
from scipy.ndimage import find_objects

from ..label_resolution import resolve_by_score

SCORE_THR = 0.5
_MIN_VISIBLE = 0.5


def to_sample(
    entry: Mapping[str, Any], labels: np.ndarray, scores: Mapping[str, float]
) -> dict[str, Any]:
    """Turn a label image into what ``tools/test.py --out`` keeps of an image.

    A method that gives a label image has made its choice: each instance in
    it counts. Scores are therefore brought into the upper half, 0.5 + 0.5
    times the method's own, which keeps their order and with it AP, and lets
    every instance pass the score threshold 0.5 of the cell scores.

    Args:
        entry (Mapping): ``id``, ``file_name``, ``height`` and ``width`` of
            the image.
        labels (np.ndarray): (H, W); 0 is background.
        scores (Mapping[str, float]): The method's own score of each
            instance, from 0 to 1, by the number it has in the labels.

    Returns:
        dict: ``img_id``, ``img_path``, ``ori_shape`` and ``pred_instances``
        with ``bboxes`` (N, 4) as x1, y1, x2, y2, ``scores`` (N,), ``labels``
        (N,), all 0, and ``masks``, N run-length codes.
    """
    boxes, masks, values = [], [], []
    for number, place in enumerate(find_objects(labels), start=1):
        if place is None:
            continue
        rows, columns = place
        boxes.append((columns.start, rows.start, columns.stop, rows.stop))
        masks += encode_mask_results([labels == number])
        values.append((1 + scores[str(number)]) / 2)
    return {
        'img_id': entry['id'],
        'img_path': entry['file_name'],
        'ori_shape': (entry['height'], entry['width']),
        'pred_instances': {
            'bboxes': torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            'scores': torch.tensor(values, dtype=torch.float32),
            'labels': torch.zeros(len(boxes), dtype=torch.int64),
            'masks': masks,
        },
    }


def to_labels(sample: Mapping[str, Any]) -> np.ndarray:
    """Turn the detections of an image into a label image.

    Those with a score of 0.5 or more count. The rule for overlaps is that of
    the cell scores, see :func:`.label_resolution.resolve_by_score`.

    Args:
        sample (Mapping): A sample of ``tools/test.py --out``.

    Returns:
        np.ndarray: (H, W), int32: 0 is background.
    """
    found = sample['pred_instances']
    scores = np.asarray(found['scores'], float)
    kept = np.flatnonzero(scores >= SCORE_THR)
    masks: Sequence[dict] = [found['masks'][i] for i in kept]
    shape = tuple(int(side) for side in sample['ori_shape'][:2])
    return resolve_by_score(masks, scores[kept], shape, _MIN_VISIBLE).labels
