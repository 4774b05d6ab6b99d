"""Two real processes of torchrun against each other and against one."""

import itertools
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import convert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn
from torch.nn import functional as F

from cupre_mm.datasets import DualDataLoader
from tests.tiny_amt2 import (
    QUEUE_LENGTH,
    build_model,
    changed,
    loader_config,
)
from tests.two_processes import (
    BATCH,
    ODD_BATCH,
    STEPS,
    contrastive_steps,
    images_drawn,
    torchrun,
)

pytestmark = pytest.mark.distributed


@pytest.fixture(scope='module')
def ranks(
    demo_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict]:
    """What each of two processes wrote."""
    folder = tmp_path_factory.mktemp('two_processes')
    done = torchrun('-m', 'tests.two_processes', demo_data, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("sync_bn='torch' is turned off") > 0
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


def test_ranks_end_with_the_same_weights_queue_and_statistics(ranks):
    one, other = (rank['run'] for rank in ranks)
    assert one['wrapper'] == 'MMDistributedDataParallel'
    # Parameters, key encoder, queue, pointer, counts, running statistics.
    assert not changed(one['state'], other['state'])
    assert int(one['state']['moco.queue.queue_ptr']) == (
        STEPS * 2 * BATCH % QUEUE_LENGTH
    )
    assert int(one['state']['moco.queue.num_enqueued']) == STEPS * 2 * BATCH
    assert int(one['state']['moco.encoder_k.steps']) == STEPS
    start = build_model(seed=0).state_dict()
    moved = changed(start, one['state'])
    for part in ('backbone.', 'neck.', 'roi_head.', 'moco.neck.'):
        assert any(name.startswith(part) for name in moved), part
    assert 'backbone.bn1.running_mean' in moved
    assert 'moco.encoder_k.module.0.bn1.running_var' in moved
    assert int(one['state']['backbone.bn1.num_batches_tracked']) == 2 * STEPS


def test_without_the_hook_only_statistics_differ(ranks):
    one, other = (rank['no_hook'] for rank in ranks)
    different = changed(one['state'], other['state'])
    assert 'backbone.bn1.running_mean' in different
    last = {name.rpartition('.')[2] for name in different}
    assert last == {'running_mean', 'running_var'}


def test_ranks_with_seeds_of_their_own_start_with_one_queue(ranks):
    one, other = (rank['own_seeds'] for rank in ranks)
    assert not changed(one['state'], other['state'])
    # The length of the queue is no divisor: random keys are still in it.
    assert int(one['state']['moco.queue.num_enqueued']) < QUEUE_LENGTH


def test_shuffle_moves_images_between_the_ranks_and_back(ranks):
    for one, other in zip(*(rank['shuffle'] for rank in ranks)):
        own = torch.cat([one['own'], other['own']])
        seen = torch.cat([one['seen'], other['seen']])
        given = torch.cat([one['given'], other['given']])
        # Every image is encoded once, by one of the two.
        where = [
            [place for place, s in enumerate(seen) if s.equal(image)]
            for image in own
        ]
        assert sorted(where) == [[place] for place in range(2 * BATCH)]
        # Its key is queued where its image was in the batch.
        order = torch.tensor(where).flatten()
        expected = F.normalize(given[order], dim=1)
        torch.testing.assert_close(one['queued'], expected)
        assert one['queued'].equal(other['queued'])
    moved = [
        step['seen'][place]
        for rank in ranks
        for step in rank['shuffle']
        for place in range(BATCH)
        if not any(step['seen'][place].equal(image) for image in step['own'])
    ]
    assert moved


def test_shuffled_keys_hide_the_statistics_of_the_own_batch(ranks):
    for number, rank in enumerate(ranks):
        for step in rank['shuffle']:
            mine = slice(number * BATCH, (number + 1) * BATCH)
            unshuffled = F.normalize(step['unshuffled'], dim=1)
            gap = (step['queued'][mine] - unshuffled).abs().max()
            assert gap > 1e-3


def test_ranks_share_out_a_set_that_their_batches_do_not_divide(
    ranks, demo_data
):
    init_default_scope('mmdet')
    one, other = (rank['odd'] for rank in ranks)
    assert {len(batch) for batch in one + other} == {ODD_BATCH}
    dealt = list(
        itertools.chain.from_iterable(
            zip(itertools.chain(*one), itertools.chain(*other))
        )
    )
    single = list(itertools.chain(*images_drawn(demo_data, 2 * ODD_BATCH)))
    assert dealt == single
    # Each image once in every pass, also where a batch spans two.
    assert len(set(single[:16])) == len(set(single[16:32])) == 16


def test_sync_bn_leaves_the_key_encoder_local_so_that_shuffling_works():
    torch.manual_seed(0)
    plain = build_model()
    model = convert_sync_batchnorm(deepcopy(plain))
    assert len(synced(model.moco.encoder_k)) == len(synced(model.backbone))
    kept = dict(model.moco.encoder_k.named_buffers())
    images = torch.rand(4, 3, 32, 32)
    # On a CPU the forward pass of SyncBatchNorm is refused.
    (keys,) = model.moco._encode_keys(images)
    assert not synced(model.moco.encoder_k)
    assert synced(model.backbone)
    assert torch.equal(keys, plain.moco._encode_keys(images)[0])
    for name, buffer in model.moco.encoder_k.named_buffers():
        assert buffer is kept[name]


def synced(module: nn.Module) -> list[nn.Module]:
    return [m for m in module.modules() if isinstance(m, nn.SyncBatchNorm)]


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


def test_rank_that_would_start_anew_stops_all_of_them(ranks):
    for rank in ranks:
        assert 'rank 0 resumes from iter_5.pth' in rank['unlike']
        assert 'rank 1 starts from None' in rank['unlike']
        assert '--work-dir on storage that all machines see' in rank['unlike']
