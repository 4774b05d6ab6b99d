"""Cells drawn at random, detections of them, and pycocotools' scores."""

import json
from pathlib import Path

import numpy as np
import torch
from mmengine.evaluator import Evaluator
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cupre_mm.evaluation import CellMetric

ITEMS = ['mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l', 'AR']


def disc(
    height: int, width: int, x: float, y: float, radius: float
) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2).astype(np.uint8)


def encode(mask: np.ndarray) -> dict:
    rle = mask_utils.encode(np.asfortranarray(mask))
    return {'size': list(rle['size']), 'counts': rle['counts'].decode()}


def annotation(index: int, image_id: int, category_id: int, rle: dict) -> dict:
    return {
        'id': index,
        'image_id': image_id,
        'category_id': category_id,
        'bbox': mask_utils.toBbox(rle).tolist(),
        'area': float(mask_utils.area(rle)),
        'segmentation': rle,
        'iscrowd': 0,
    }


def sample(
    image_id: int, size: tuple[int, int], rles: list[dict], scores, labels
) -> dict:
    boxes = np.array([mask_utils.toBbox(rle) for rle in rles]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return {
        'img_id': image_id,
        'ori_shape': size,
        'pred_instances': {
            'bboxes': torch.tensor(boxes, dtype=torch.float32),
            'scores': torch.tensor(np.asarray(scores), dtype=torch.float32),
            'labels': torch.tensor(np.asarray(labels), dtype=torch.long),
            'masks': rles,
        },
    }


def random_set(
    num_images: int, num_objects: int, classes: list[str], seed: int = 0
) -> tuple[dict, list[dict]]:
    """Discs of several sizes, and detections that miss some by some."""
    rng = np.random.default_rng(seed)
    height, width = 200, 240
    images, annotations, samples = [], [], []
    for image_id in range(1, num_images + 1):
        images.append({'id': image_id, 'height': height, 'width': width})
        rles, scores, labels = [], [], []
        for _ in range(num_objects):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            radius = rng.choice([4, 9, 20, 60])
            label = int(rng.integers(len(classes)))
            rle = encode(disc(height, width, x, y, radius))
            annotations.append(
                annotation(len(annotations) + 1, image_id, label + 1, rle)
            )
            if rng.random() < 0.2:
                continue
            shift = rng.normal(scale=0.15 * radius, size=2)
            found = disc(height, width, x + shift[0], y + shift[1], radius)
            if found.any():
                rles.append(encode(found))
                scores.append(rng.random())
                labels.append(label)
        samples.append(sample(image_id, (height, width), rles, scores, labels))
    return coco_dict(images, annotations, classes), samples


def coco_dict(images, annotations, classes) -> dict:
    return {
        'images': images,
        'annotations': annotations,
        'categories': [
            {'id': i, 'name': name} for i, name in enumerate(classes, 1)
        ],
    }


def write(folder: Path, ground_truth: dict) -> str:
    path = folder / 'ground_truth.json'
    path.write_text(json.dumps(ground_truth))
    return str(path)


def score(metric: CellMetric, samples: list[dict], classes) -> dict:
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {'classes': classes}
    evaluator.process(samples)
    return evaluator.evaluate(len(samples))


def pycocotools_scores(
    ann_file: str,
    samples: list[dict],
    iou_type: str,
    max_dets: int,
    sizes: bool = True,
    areas: list[list[float]] | None = None,
    use_cats: bool = True,
) -> dict:
    """The same items, read at ``max_dets`` from pycocotools' own arrays.

    ``areas`` are those of all, small, medium and large objects.
    """
    coco = COCO(ann_file)
    results = []
    for data in samples:
        pred = data['pred_instances']
        for i, label in enumerate(pred['labels'].tolist()):
            result = {
                'image_id': data['img_id'],
                'category_id': label + 1,
                'score': pred['scores'][i].item(),
            }
            if iou_type == 'segm':
                result['segmentation'] = pred['masks'][i]
            else:
                x1, y1, x2, y2 = pred['bboxes'][i].tolist()
                result['bbox'] = [x1, y1, x2 - x1, y2 - y1]
            results.append(result)
    evaluation = COCOeval(coco, coco.loadRes(results), iou_type)
    evaluation.params.maxDets = [max_dets]
    evaluation.params.useCats = int(use_cats)
    if areas is not None:
        evaluation.params.areaRng = areas
    if not sizes:
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval['precision'][..., 0]
    values = {
        'mAP': precision[..., 0],
        'mAP_50': precision[0, ..., 0],
        'mAP_75': precision[5, ..., 0],
        'AR': evaluation.eval['recall'][:, :, 0, 0],
    }
    if sizes:
        for i, item in enumerate(('mAP_s', 'mAP_m', 'mAP_l'), 1):
            values[item] = precision[..., i]
    return {
        f'coco/{iou_type}_{item}': (
            value[value > -1].mean() if (value > -1).any() else -1
        )
        for item, value in values.items()
    }
