"""What each of two gloo processes does for test_distributed_metric.py.

A module of its own, because a spawned process imports it by name.
"""

import json
import os
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.evaluator import Evaluator
from torch import distributed

from cupre_mm.evaluation import CellMetric
from tests.random_detections import random_set

CLASSES = ['round', 'long']
NUM_IMAGES = 5
# Images of each process, by position. mmengine's sampler deals them out in
# turn and repeats the first; others cut the list and repeat within it.
SHARES = {
    'in turn': ([0, 2, 4], [1, 3, 0]),
    'in halves': ([0, 1, 0], [2, 3, 4]),
    'uneven': ([0, 2, 4], [1, 3]),
    'all in one': ([0, 1, 2, 3, 4], []),
}


def build_metric(ann_file: Path) -> CellMetric:
    """The metric of all processes."""
    return CellMetric(
        str(ann_file), metric=['bbox', 'segm'], cell_scores={'score_thr': 0.3}
    )


def evaluate(ann_file: Path, positions: list[int]) -> dict:
    """Score this process' part of the seeded predictions."""
    _, samples = random_set(NUM_IMAGES, 25, CLASSES)
    metric = build_metric(ann_file)
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {'classes': CLASSES}
    evaluator.process([samples[position] for position in positions])
    scores = evaluator.evaluate(NUM_IMAGES)
    return {'scores': scores, 'has_details': metric.details is not None}


def work(rank: int, folder: Path) -> None:
    """Score each share of one rank, and write what that gave."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder / "rendezvous"}',
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=5),
    )
    results = {
        name: evaluate(folder / 'ground_truth.json', shares[rank])
        for name, shares in SHARES.items()
    }
    (folder / f'rank{rank}.json').write_text(json.dumps(results))
    distributed.destroy_process_group()
