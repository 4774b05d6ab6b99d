"""Three small images of square cells, scored by a real CellMetric."""

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_codes

from cupre_mm.evaluation import CellMetric

SIZE = 64
Box = tuple[int, int, int, int]
# Left, top, width, height of the cells, and of the detections with scores.
TRUTH: dict[str, list[Box]] = {
    'good.png': [(4, 4, 12, 12), (30, 30, 12, 12)],
    'middling.png': [(4, 4, 12, 12), (30, 30, 12, 12)],
    'bad.png': [(4, 4, 12, 12), (30, 30, 12, 12), (46, 4, 10, 10)],
}
FOUND: dict[str, list[tuple[Box, float]]] = {
    'good.png': [((4, 4, 12, 12), 0.9), ((30, 30, 12, 12), 0.8)],
    'middling.png': [((4, 4, 12, 12), 0.9), ((50, 50, 8, 8), 0.6)],
    'bad.png': [((20, 50, 8, 8), 0.7), ((4, 4, 12, 12), 0.3)],
}


def rle_of(box: Box) -> dict:
    """Mask of a box, a compressed RLE as json holds it."""
    left, top, width, height = box
    mask = np.zeros((SIZE, SIZE), np.uint8, order='F')
    mask[top : top + height, left : left + width] = 1
    code = mask_codes.encode(mask)
    return {'size': list(code['size']), 'counts': code['counts'].decode()}


def write_cells(
    folder: Path, truth: dict[str, list[Box]] = TRUTH, category: str = 'cell'
) -> Path:
    """Write images and their COCO file; gives the file."""
    (folder / 'images').mkdir(parents=True)
    images, annotations = [], []
    for img_id, (name, boxes) in enumerate(truth.items(), start=1):
        images.append(dict(id=img_id, file_name=name, width=SIZE, height=SIZE))
        pixels = np.full((SIZE, SIZE), 20, np.uint8)
        for left, top, width, height in boxes:
            pixels[top : top + height, left : left + width] = 200
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=img_id,
                    category_id=1,
                    bbox=[left, top, width, height],
                    area=width * height,
                    iscrowd=0,
                    segmentation=rle_of((left, top, width, height)),
                )
            )
        assert cv2.imwrite(str(folder / 'images' / name), pixels)
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name=category)],
    )
    path = folder / 'test.json'
    path.write_text(json.dumps(content))
    return path


def score_cells(
    ann_file: Path,
    found: dict[str, list[tuple[Box, float]]] = FOUND,
    category: str = 'cell',
    classes: tuple[str, ...] = (),
    **settings,
) -> tuple[CellMetric, dict[str, float]]:
    """Evaluate detections; gives the metric and what it found."""
    settings = {
        'metric': ['bbox', 'segm'],
        'cell_scores': {},
        'prefix': 'coco',
        **settings,
    }
    metric = CellMetric(ann_file=str(ann_file), **settings)
    metric.dataset_meta = {'classes': classes or (category,)}
    for image in json.loads(ann_file.read_text())['images']:
        given = found.get(image['file_name'], [])
        boxes = np.array([b for b, _ in given], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        pred = dict(
            bboxes=boxes,
            scores=np.array([s for _, s in given], np.float32),
            labels=np.zeros(len(given), int),
            masks=[rle_of(b) for b, _ in given],
        )
        # As the runner gives it: tensors for the numbers.
        sample = dict(
            img_id=image['id'],
            ori_shape=(SIZE, SIZE),
            pred_instances=_as_tensors(pred),
        )
        metric.process({}, [sample])
    return metric, metric.evaluate(len(metric.results))


def _as_tensors(pred: dict) -> dict:
    import torch

    return {
        key: value if key == 'masks' else torch.as_tensor(value)
        for key, value in pred.items()
    }
