"""What the metric keeps of a data sample until all are there."""

from typing import Any

import numpy as np
import torch
from mmdet.structures.mask import encode_mask_results

from cupre_mm.utils.errors import BadConfigError


def keep_sample(
    sample: dict[str, Any], with_ground_truth: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take what the evaluation needs, as arrays and run-length codes.

    The keys are those of mmdet's ``CocoMetric``, whose ``results2json``
    writes them.

    Args:
        sample (dict[str, Any]): A data sample as a dictionary, with its
            ``pred_instances``.
        with_ground_truth (bool): Whether its ``gt_instances`` are the ground
            truth.

    Returns:
        tuple: The image, ``img_id``, ``height``, ``width`` and maybe
        ``anns``; and its predictions, ``img_id``, ``bboxes`` (N, 4),
        ``scores`` (N,), ``labels`` (N,) and maybe ``masks``, N codes, and
        ``mask_scores`` (N,).

    Raises:
        BadConfigError: If there is no ground truth.
    """
    found = sample['pred_instances']
    prediction = {'img_id': sample['img_id']}
    for key in ('bboxes', 'scores', 'labels', 'mask_scores'):
        if key in found:
            prediction[key] = found[key].cpu().numpy()
    if 'masks' in found:
        prediction['masks'] = _encode(found['masks'])
    height, width = sample['ori_shape'][:2]
    image = {'img_id': sample['img_id'], 'height': height, 'width': width}
    if with_ground_truth:
        if 'gt_instances' not in sample:
            raise BadConfigError(
                f'image {sample["img_id"]} has no gt_instances, and '
                'CellMetric has no ann_file: set ann_file, or load the '
                'annotations in the test pipeline'
            )
        image['anns'] = _annotations(sample['gt_instances'])
    return image, prediction


def _encode(masks: Any) -> Any:
    """Turn masks, unless they are codes already, into codes."""
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    return (
        encode_mask_results(masks) if isinstance(masks, np.ndarray) else masks
    )


def _annotations(instances: dict[str, Any]) -> list[dict[str, Any]]:
    boxes = instances['bboxes'].cpu().numpy()
    annotations = [
        {'bbox': list(box), 'bbox_label': int(label)}
        for box, label in zip(boxes, instances['labels'])
    ]
    for annotation, mask in zip(annotations, instances.get('masks', ())):
        annotation['mask'] = encode_mask_results([mask])[0]
    return annotations
