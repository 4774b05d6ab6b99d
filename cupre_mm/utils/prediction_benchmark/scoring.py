"""AP of what any predictor found, by this project's metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.registry import METRICS

from cupre_mm.utils.coco_json import read_coco

_NAMES = ('bbox', 'segm')


def score(
    ann_file: Path, found: dict[int, list[dict[str, Any]]]
) -> dict[str, float]:
    """Compute AP of boxes and masks.

    Args:
        ann_file (Path): COCO json.
        found (dict[int, list[dict]]): Results by image id: ``score``,
            ``label``, ``bbox`` (x, y, width, height), ``segmentation``.

    Returns:
        dict[str, float]: ``bbox_mAP``, ``segm_mAP`` and both at IoU 0.5.
    """
    truth, _ = read_coco(ann_file)
    metric = METRICS.build(
        dict(
            type='cupre_mm.CellMetric',
            ann_file=str(ann_file),
            metric=list(_NAMES),
        )
    )
    metric.dataset_meta = dict(
        classes=tuple(one['name'] for one in truth['categories'])
    )
    samples = [
        _sample(one, found.get(one['id'], [])) for one in truth['images']
    ]
    for sample in samples:
        metric.process({}, [sample])
    values = {
        name.rpartition('/')[2]: float(value)
        for name, value in metric.evaluate(len(truth['images'])).items()
    }
    return {
        f'{name}_{item}': values[f'{name}_{item}']
        for name in _NAMES
        for item in ('mAP', 'mAP_50')
    }


def _sample(
    image: dict[str, Any], results: list[dict[str, Any]]
) -> dict[str, Any]:
    boxes = torch.tensor([one['bbox'] for one in results]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return dict(
        img_id=image['id'],
        ori_shape=(image['height'], image['width']),
        pred_instances=dict(
            bboxes=boxes,
            scores=torch.tensor([one['score'] for one in results]),
            labels=torch.tensor(
                [one['label'] for one in results], dtype=torch.long
            ),
            masks=[
                dict(
                    size=one['segmentation']['size'],
                    counts=one['segmentation']['counts'].encode(),
                )
                for one in results
            ],
        ),
    )
