"""A small benchmark: real files of four images with squares for cells."""

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as mask_utils

SIDE = 48
CORNERS = [(4, 4), (4, 28), (28, 4), (28, 28)]


def square_mask(x: float, y: float, size: float) -> dict[str, Any]:
    mask = np.zeros((SIDE, SIDE), np.uint8, order='F')
    mask[round(y) : round(y + size), round(x) : round(x + size)] = 1
    return mask_utils.encode(mask)


@pytest.fixture
def truth_file(tmp_path: Path) -> Path:
    """Four images with one to four cells of 12 x 12 pixels."""
    images = [
        {'id': i, 'file_name': f'{i}.png', 'width': SIDE, 'height': SIDE}
        for i in range(4)
    ]
    annotations = []
    for i in range(4):
        for x, y in CORNERS[: i + 1]:
            corners = [x, y, x + 12, y, x + 12, y + 12, x, y + 12]
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': i,
                    'category_id': 1,
                    'bbox': [x, y, 12, 12],
                    'area': 144,
                    'iscrowd': 0,
                    'segmentation': [corners],
                }
            )
    content = {
        'images': images,
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'cell'}],
    }
    path = tmp_path / 'test.json'
    path.write_text(json.dumps(content))
    return path


def make_samples(quality: float, seed: int) -> list[dict[str, Any]]:
    """Detections, of which about ``quality`` are where a cell is."""
    random = np.random.default_rng(seed)
    samples = []
    for i in range(4):
        boxes, masks = [], []
        for x, y in CORNERS[: i + 1]:
            hit = random.random() < quality
            moved = random.integers(0, 2, 2) if hit else np.array([9, 9])
            x1, y1 = x + moved[0], y + moved[1]
            boxes.append([x1, y1, x1 + 12, y1 + 12])
            # Masks that fit worse than the boxes: their AP is another.
            masks.append(square_mask(x1 + 1, y1 + 1, 11))
        samples.append(
            {
                'img_id': i,
                'ori_shape': (SIDE, SIDE),
                'pred_instances': {
                    'bboxes': torch.tensor(boxes, dtype=torch.float32),
                    'scores': torch.tensor(
                        random.random(len(boxes)), dtype=torch.float32
                    ),
                    'labels': torch.zeros(len(boxes), dtype=torch.int64),
                    'masks': masks,
                },
            }
        )
    return samples


def reference_ap(
    truth_file: Path, samples: list[dict[str, Any]], metric: str
) -> float:
    """AP by pycocotools, which the code under test does not use."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    coco = COCO(str(truth_file))
    found = []
    for sample in samples:
        one = sample['pred_instances']
        for box, score, mask in zip(
            np.asarray(one['bboxes'], float).tolist(),
            np.asarray(one['scores'], float).tolist(),
            one['masks'],
        ):
            x1, y1, x2, y2 = box
            shape = (
                {'bbox': [x1, y1, x2 - x1, y2 - y1]}
                if metric == 'bbox'
                else {'segmentation': mask}
            )
            found.append(
                {
                    'image_id': sample['img_id'],
                    'category_id': 1,
                    'score': score,
                    **shape,
                }
            )
    evaluation = COCOeval(coco, coco.loadRes(found), metric)
    evaluation.params.maxDets = [1, 10, 3000]
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval['precision'][:, :, :, 0, 2]
    return float(precision[precision > -1].mean())


@pytest.fixture
def benchmark(tmp_path: Path, truth_file: Path) -> '_Benchmark':
    """An empty work dir of a benchmark that cells can be added to."""
    return _Benchmark(tmp_path / 'work', truth_file)


@pytest.fixture
def samples_of() -> Callable[[float, int], list[dict[str, Any]]]:
    return make_samples


@pytest.fixture
def ap_by_pycocotools(truth_file: Path) -> Callable:
    return lambda samples, metric: reference_ap(truth_file, samples, metric)


class _Benchmark:
    def __init__(self, folder: Path, truth: Path) -> None:
        self.folder, self.truth = folder, truth
        folder.mkdir()
        self.images = truth.parent / 'images'
        self.images.mkdir()
        for i in range(len(CORNERS)):
            pixels = np.full((SIDE, SIDE), 90, np.uint8)
            Image.fromarray(pixels).save(self.images / f'{i}.png')
        self.grid = {
            'title': 'Squares',
            'arms': {
                'scratch': {'config': 's.py'},
                'coco': {'config': 'c.py', 'title': 'COCO'},
                'amt2': {'config': 'a.py', 'title': 'AMT2'},
            },
            'fractions': [5, 20],
            'seeds': {'5': [0, 1], '20': [0]},
            'baseline': 'coco',
        }

    def write_grid(self, **changes: Any) -> None:
        self.grid |= changes
        text = json.dumps({'benchmark': self.grid})
        (self.folder / 'benchmark.json').write_text(text)

    def add(
        self,
        arm: str,
        size: str = '5pct',
        seed: int = 0,
        quality: float = 0.8,
        **record: Any,
    ) -> Path:
        """A finished cell, tested with pycocotools."""
        folder = self.folder / 'cells' / arm / size / f'seed{seed}'
        folder.mkdir(parents=True)
        samples = make_samples(quality, seed + 10 * len(arm))
        for sample in samples:
            path = self.images / f'{sample["img_id"]}.png'
            is_peer = record.get('kind') == 'peer'
            sample['img_path'] = path.name if is_peer else str(path)
        (folder / 'predictions.pkl').write_bytes(pickle.dumps(samples))
        metrics = {
            f'coco/{metric}_mAP': reference_ap(self.truth, samples, metric)
            for metric in ('bbox', 'segm')
        }
        sha256 = hashlib.sha256(self.truth.read_bytes()).hexdigest()
        content = {
            'arm': arm,
            'size': size,
            'seed': seed,
            'status': 'done',
            'test': {'file': str(self.truth), 'sha256': sha256},
            'split': {'file': 's.json', 'sha256': f'{size}{seed}'},
            'metrics': metrics,
            'command': f'python tools/train.py {arm}.py',
        }
        (folder / 'cell.json').write_text(json.dumps(content | record))
        return folder

    def add_failed(self, arm: str, size: str, seed: int, error: str) -> None:
        folder = self.folder / 'cells' / arm / size / f'seed{seed}'
        folder.mkdir(parents=True)
        record = {'status': 'failed', 'error': error}
        (folder / 'cell.json').write_text(json.dumps(record))

    def add_log(self, folder: Path, run: str, records: list[dict]) -> Path:
        path = folder / run / 'vis_data' / 'scalars.json'
        path.parent.mkdir(parents=True)
        lines = [json.dumps(record) for record in records]
        path.write_text('\n'.join(lines) + '\n')
        return path
