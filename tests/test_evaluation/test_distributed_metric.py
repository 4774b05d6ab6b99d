"""CellMetric in two real processes against one."""

import json
from pathlib import Path

import pytest
from torch import multiprocessing

from tests.random_detections import random_set, write
from tests.two_scoring_processes import (
    CLASSES,
    NUM_IMAGES,
    SHARES,
    evaluate,
    work,
)

pytestmark = pytest.mark.distributed


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ground truth and what each process found are."""
    folder = tmp_path_factory.mktemp('two_scoring_processes')
    write(folder, random_set(NUM_IMAGES, 25, CLASSES)[0])
    with pytest.MonkeyPatch.context() as patch:
        # gloo on the CPU, also where there is a GPU.
        patch.setenv('CUDA_VISIBLE_DEVICES', '-1')
        patch.setenv('OMP_NUM_THREADS', '1')
        multiprocessing.spawn(work, (folder,), nprocs=2)
    return folder


@pytest.mark.parametrize('share', SHARES)
def test_two_processes_give_the_result_of_one(folder, share):
    first, second = (
        json.loads((folder / f'rank{rank}.json').read_text())[share]
        for rank in range(2)
    )
    alone = evaluate(folder / 'ground_truth.json', list(range(NUM_IMAGES)))
    assert alone['scores']['coco/num_images'] == NUM_IMAGES
    assert 0 < alone['scores']['coco/segm_mAP'] < 1
    assert first['scores'] == alone['scores']
    assert second['scores'] == alone['scores']
    assert first['has_details']
    assert not second['has_details']
