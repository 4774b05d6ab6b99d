"""Two real processes against each other and against one."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from torch import multiprocessing

from cupre_mm.datasets import DualDataLoader
from tests.tiny_amt2 import (
    QUEUE_LENGTH,
    build_model,
    changed,
    loader_config,
)
from tests.two_processes import BATCH, STEPS, contrastive_steps, work

pytestmark = pytest.mark.distributed

# Without SyncBN, which needs a GPU, they are each process' own.
STATISTICS = ('running_mean', 'running_var')


@pytest.fixture(scope='module')
def ranks(
    demo_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict]:
    """What each of two processes wrote."""
    folder = tmp_path_factory.mktemp('two_processes')
    with pytest.MonkeyPatch.context() as patch:
        # gloo on the CPU, also where there is a GPU.
        patch.setenv('CUDA_VISIBLE_DEVICES', '-1')
        patch.setenv('OMP_NUM_THREADS', '1')
        multiprocessing.spawn(work, (demo_data, folder), nprocs=2)
    return [
        torch.load(folder / f'rank{rank}.pth', weights_only=False)
        for rank in range(2)
    ]


def images_of(iterations: list[dict], task: str) -> list[list[str]]:
    """File names of each iteration, in order."""
    return [
        [name for batch in drawn[task] for name in batch]
        for drawn in iterations
    ]


def test_ranks_end_with_the_same_weights_and_queue(ranks):
    one, other = (rank['run'] for rank in ranks)
    assert one['wrapper'] == 'MMDistributedDataParallel'
    different = changed(one['state'], other['state'])
    assert not different & set(one['parameters'])
    assert {name.rpartition('.')[2] for name in different} <= set(STATISTICS)
    assert int(one['state']['moco.queue.queue_ptr']) == (
        STEPS * 2 * BATCH % QUEUE_LENGTH
    )
    assert int(one['state']['moco.queue.num_enqueued']) == STEPS * 2 * BATCH
    assert int(one['state']['moco.encoder_k.steps']) == STEPS
    start = build_model(seed=0).state_dict()
    moved = changed(start, one['state'])
    for part in ('backbone.', 'neck.', 'roi_head.', 'moco.neck.'):
        assert any(name.startswith(part) for name in moved), part


def test_ranks_see_different_images_of_one_order(ranks, demo_data):
    init_default_scope('mmdet')
    config = loader_config(demo_data)
    del config['type']
    for task in ('moco', 'det'):
        config[task]['batch_size'] *= 2
    single = DualDataLoader(**config, seed=7)
    whole = [
        {
            task: [
                [Path(s.img_path).name for s in batch['data_samples']]
                for batch in batches
            ]
            for task, batches in draw.items()
        }
        for draw in itertools.islice(single, STEPS)
    ]
    for task in ('moco', 'det'):
        per_rank = [
            images_of(rank['run']['iterations'], task) for rank in ranks
        ]
        for one, other, both in zip(*per_rank, images_of(whole, task)):
            # The order of one process is dealt out in turn.
            assert one == both[0::2]
            assert other == both[1::2]
        first_pass = [set(drawn[0] + drawn[1]) for drawn in per_rank]
        assert not first_pass[0] & first_pass[1]


def test_losses_of_the_ranks_differ(ranks):
    for name in ('moco/loss', 'det/loss'):
        one, other = (
            [outputs[name].item() for outputs in rank['run']['outputs']]
            for rank in ranks
        )
        assert one != other


def test_two_halves_of_a_batch_train_contrast_like_the_whole(ranks):
    whole = contrastive_steps(rank=0, world_size=1)
    halves = [rank['contrast'] for rank in ranks]
    assert not changed(halves[0]['state'], halves[1]['state'])
    for name, value in whole['state'].items():
        torch.testing.assert_close(
            halves[0]['state'][name], value, rtol=1e-4, atol=1e-5, msg=name
        )
    mean = np.mean([half['losses'] for half in halves], axis=0)
    np.testing.assert_allclose(mean, whole['losses'], rtol=1e-4)
    # What is equal must have been trained, or equality says nothing.
    start = build_model(seed=0).state_dict()
    moved = changed(start, whole['state'])
    assert 'backbone.layer4.1.conv2.weight' in moved
    assert 'moco.queue.queue' in moved


def test_wrapped_model_leaves_the_other_tasks_part_alone(ranks):
    for rank in ranks:
        moco, det = rank['moved']['moco'], rank['moved']['det']
        assert not [name for name in det if name.startswith('moco.')]
        heads = ('neck.', 'rpn_head.', 'roi_head.')
        assert not [name for name in moco if name.startswith(heads)]
        for moved, part in (
            (moco, 'backbone.'),
            (moco, 'moco.neck.'),
            (det, 'backbone.'),
            (det, 'roi_head.'),
        ):
            assert any(name.startswith(part) for name in moved), part


def test_batch_of_all_processes_is_held_against_the_data_set(ranks):
    for rank in ranks:
        assert 'batch_size=9 on 2 process(es)' in rank['too_large']
        assert 'batches of 18' in rank['too_large']
        assert '16 images' in rank['too_large']
