"""What is known of each evaluated image, and its scores of the cell field."""

from collections.abc import Mapping, Sequence
from typing import Any

from faster_coco_eval import COCO

from .cell_scores import build_cell_scores


def image_rows(
    coco: COCO, preds: Sequence[dict], strata: Mapping[int, str]
) -> list[dict[str, Any]]:
    """Describe each image.

    Args:
        coco (COCO): The ground truth.
        preds (Sequence[dict]): Predictions, one for each image.
        strata (Mapping[int, str]): Stratum by image id.

    Returns:
        list[dict]: ``img_id``, ``file_name``, ``width``, ``height`` and
        ``stratum`` of each, None where not known.
    """
    images = [coco.imgs[pred['img_id']] for pred in preds]
    return [
        {
            'img_id': image['id'],
            **{k: image.get(k) for k in ('file_name', 'width', 'height')},
            'stratum': strata.get(image['id']),
        }
        for image in images
    ]


def add_cell_scores(
    rows: Sequence[dict[str, Any]],
    coco: COCO,
    preds: Sequence[dict],
    categories: Mapping[int, int],
    arguments: Mapping[str, Any],
) -> dict[str, float]:
    """Score the masks as the cell field does, image by image.

    Args:
        rows (Sequence[dict]): Rows of the images; each gains its figures.
        coco (COCO): The ground truth, with masks.
        preds (Sequence[dict]): Predictions in the order of the rows.
        categories (Mapping[int, int]): Label by id of the categories that
            are evaluated.
        arguments (Mapping): Those of :class:`.CellScores`.

    Returns:
        dict[str, float]: Summary of the whole set, with ``cells_`` before
        each name.
    """
    scores = build_cell_scores(arguments)
    for row, pred in zip(rows, preds):
        truth = [
            ann['segmentation']
            for ann in coco.imgToAnns.get(row['img_id'], [])
            if ann['category_id'] in categories and not ann['iscrowd']
        ]
        figures = scores.add(
            row['img_id'],
            (int(row['height']), int(row['width'])),
            truth,
            pred['masks'],
            pred.get('mask_scores', pred['scores']),
        )
        row.update(figures)
    return {f'cells_{name}': v for name, v in scores.summary().items()}
