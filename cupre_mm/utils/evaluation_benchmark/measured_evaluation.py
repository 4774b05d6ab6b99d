"""Evaluates generated predictions in a process of its own and measures it."""

import contextlib
import functools
import io
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from mmengine.registry import METRICS
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from cupre_mm.utils.measured_process import end_with_parent, memory_mib

from .dense_cells import DenseSet, boxes_of, ellipse_rles

METRIC_NAMES = ('bbox', 'segm')
# pycocotools reads its headline at 100; the last is CellMetric's cap.
_CAPS = [100, 1000, 3000]


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated, and by which evaluator.

    Attributes:
        ann_file (str): COCO json of the ground truth.
        generated (DenseSet): What the predictions are made from.
        images (tuple[int]): Indices of the images of ``ann_file``.
        evaluator (str): ``'CellMetric'`` or ``'pycocotools'``. Defaults to
            ``'CellMetric'``.
        cell_scores (bool): Whether CellMetric computes the cell field's
            scores too. Defaults to False.
        batch_size (int): Images of a call of ``CellMetric.process``.
            Defaults to 4.
    """

    ann_file: str
    generated: DenseSet
    images: tuple[int, ...]
    evaluator: str = 'CellMetric'
    cell_scores: bool = False
    batch_size: int = 4


@dataclass(frozen=True)
class Measurement:
    """What an evaluation took and gave.

    Attributes:
        load (float): Time to read the ground truth, in s.
        process (float): Time to take the predictions in, in s; without the
            time in which they were generated.
        score (float): Time to compute the scores, in s.
        generate (float): Time to generate the predictions, in s; part of no
            other time.
        peak (float): Most memory of the process, in MiB.
        imports (float): The part of it that importing the libraries takes.
        num_predictions (int): Predictions evaluated.
        scores (dict[str, float]): ``{metric}_mAP``; of pycocotools also
            ``{metric}_headline``, the AP that it prints.
    """

    load: float
    process: float
    score: float
    generate: float
    peak: float
    imports: float
    num_predictions: int
    scores: dict[str, float]

    @property
    def total(self) -> float:
        """Time of all but the generating, in s."""
        return self.load + self.process + self.score


def measure(evaluation: Evaluation) -> Measurement | None:
    """Evaluate in a new process.

    Args:
        evaluation (Evaluation): What to evaluate.

    Returns:
        Measurement: The figures; None if the process was killed, as it is
        where memory runs out.
    """
    spawn = get_context('spawn')
    with ProcessPoolExecutor(1, spawn, end_with_parent) as pool:
        try:
            return pool.submit(measure_here, evaluation).result()
        except BrokenProcessPool:
            return None


def measure_here(evaluation: Evaluation) -> Measurement:
    """Evaluate in this process.

    Args:
        evaluation (Evaluation): What to evaluate.

    Returns:
        Measurement: The figures; ``peak`` covers all that this process did.
    """
    if evaluation.evaluator == 'CellMetric':
        return _by_cell_metric(evaluation)
    return _by_pycocotools(evaluation)


def _by_cell_metric(evaluation: Evaluation) -> Measurement:
    # By name, as this module may not import the room of the evaluation.
    kind = METRICS.get('cupre_mm.CellMetric')
    imports = memory_mib()['VmRSS']
    start = time.perf_counter()
    metric = kind(
        ann_file=evaluation.ann_file,
        metric=list(METRIC_NAMES),
        cell_scores={} if evaluation.cell_scores else None,
    )
    metric.dataset_meta = {'classes': ('cell',)}
    load = time.perf_counter() - start
    images, size = evaluation.images, evaluation.batch_size
    batches = [images[i : i + size] for i in range(0, len(images), size)]
    process = generate = 0.0
    number = 0
    for batch in tqdm(batches, desc='predictions', unit='batch'):
        start = time.perf_counter()
        samples = [_data_sample(evaluation.generated, i) for i in batch]
        middle = time.perf_counter()
        metric.process({}, samples)
        generate += middle - start
        process += time.perf_counter() - middle
        number += sum(len(s['pred_instances']['scores']) for s in samples)
    start = time.perf_counter()
    found = metric.evaluate(len(images))
    score = time.perf_counter() - start
    return Measurement(
        load=load,
        process=process,
        score=score,
        generate=generate,
        peak=memory_mib()['VmHWM'],
        imports=imports,
        num_predictions=number,
        scores={
            name.rpartition('/')[2]: float(value)
            for name, value in found.items()
        },
    )


def _by_pycocotools(evaluation: Evaluation) -> Measurement:
    imports = memory_mib()['VmRSS']
    start = time.perf_counter()
    with _without_prints():
        truth = COCO(evaluation.ann_file)
    load = time.perf_counter() - start
    start = time.perf_counter()
    samples = [
        _data_sample(evaluation.generated, i) for i in evaluation.images
    ]
    results = {name: [*_coco_results(samples, name)] for name in METRIC_NAMES}
    generate = time.perf_counter() - start
    scores = {}
    start = time.perf_counter()
    for name in METRIC_NAMES:
        with _without_prints():
            coco_eval = COCOeval(truth, truth.loadRes(results[name]), name)
            coco_eval.params.maxDets = _CAPS
            coco_eval.evaluate()
            coco_eval.accumulate()
            coco_eval.summarize()
        precision = coco_eval.eval['precision'][..., 0, -1]
        scores[f'{name}_mAP'] = float(precision[precision > -1].mean())
        scores[f'{name}_headline'] = float(coco_eval.stats[0])
    return Measurement(
        load=load,
        process=0.0,
        score=time.perf_counter() - start,
        generate=generate,
        peak=memory_mib()['VmHWM'],
        imports=imports,
        num_predictions=len(results['bbox']),
        scores=scores,
    )


@functools.cache
def _counts_of(generated: DenseSet) -> np.ndarray:
    return generated.counts()


def _data_sample(generated: DenseSet, index: int) -> dict[str, Any]:
    """What a detector hands to the metric, masks as run-length codes."""
    count = int(_counts_of(generated)[index])
    cells, scores = generated.predictions(index, generated.cells(index, count))
    masks = ellipse_rles(cells)
    return {
        'img_id': index + 1,
        'ori_shape': tuple(masks[0]['size']),
        'pred_instances': {
            'bboxes': torch.from_numpy(boxes_of(masks)),
            'scores': torch.from_numpy(scores),
            'labels': torch.zeros(len(masks), dtype=torch.long),
            'masks': masks,
        },
    }


def _coco_results(samples: list[dict], metric: str) -> Iterator[dict]:
    for sample in samples:
        found = sample['pred_instances']
        boxes = found['bboxes'].double().numpy()
        boxes[:, 2:] -= boxes[:, :2]
        shapes = found['masks'] if metric == 'segm' else boxes.tolist()
        key = 'segmentation' if metric == 'segm' else 'bbox'
        for score, shape in zip(found['scores'].tolist(), shapes):
            yield {
                'image_id': sample['img_id'],
                'category_id': 1,
                'score': score,
                key: shape,
            }


@contextlib.contextmanager
def _without_prints() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        yield
