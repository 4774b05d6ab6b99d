import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from torch.utils.data import Dataset

from cupre_mm.datasets.seeded_stream import (
    DrawnIndex,
    SeededDataset,
    SeededSampler,
    build_seeded_loader,
    follow_seed,
    stream_of,
)
from cupre_mm.utils.random_states import random_states
from tests.killed_runs import differences


class Draws(Dataset):
    """Gives its index and a number of each generator."""

    metainfo = dict(classes=('a',))
    pipeline = None

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return (
            index,
            random.random(),
            np.random.rand(),
            torch.rand(1).item(),
        )

    def __getitems__(self, indices):
        raise AssertionError('the seeding was gone past')


@pytest.fixture
def build():
    init_default_scope('mmdet')

    def build(num_workers=0, seed=3, **changes):
        config = dict(
            batch_size=2,
            num_workers=num_workers,
            dataset=Draws(),
            sampler=dict(type='InfiniteSampler'),
            collate_fn=dict(type='default_collate'),
        )
        return build_seeded_loader(
            {**config, **changes}, 'train', seed, 'train_dataloader'
        )

    return build


def first(loader, count):
    stream = iter(loader)
    return [
        torch.stack([part.double() for part in next(stream)]).T.tolist()
        for _ in range(count)
    ]


@pytest.mark.parametrize('num_workers', [1, 2])
def test_workers_draw_what_the_process_itself_draws(build, num_workers):
    drawn = first(build(num_workers), 5)
    assert drawn == first(build(0), 5)
    numbers = [
        number for batch in drawn for image in batch for number in image[1:]
    ]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize('done', [1, 4])
def test_a_skipped_stream_goes_on_with_its_augmentations(build, done):
    whole = first(build(), 7)
    loader = build(1)
    loader.sampler.skip(done * loader.batch_size)
    assert first(loader, 3) == whole[done : done + 3]


def test_seed_and_name_decide_the_draws(build):
    one, other = first(build(seed=3), 2), first(build(seed=4), 2)
    assert one != other
    loader = build(seed=4)
    follow_seed(loader, 4, 3)
    assert first(loader, 2) == one
    named = build(seed=3)
    stream_of(named).stream_name = 'other'
    assert [b[0] for b in first(named, 2)] != [b[0] for b in one]


def test_the_states_of_the_process_are_left_alone(build):
    stream = iter(build(0))
    next(stream)
    before = random_states()
    next(stream)
    assert differences(before, random_states()) == []


def test_a_shortened_data_set_is_seeded_as_well(build):
    short = dict(num_batch_per_epoch=2)
    drawn = first(build(0, **short), 3)
    assert drawn == first(build(1, **short), 3)
    assert len(build(0, **short).dataset) == 4


def test_an_index_survives_the_way_to_a_worker():
    index = pickle.loads(pickle.dumps(DrawnIndex(4, 17)))
    assert (index, index.position) == (4, 17)


def test_positions_count_over_a_break():
    sampler = SeededSampler(
        dict(type='InfiniteSampler'), dataset=Draws(), seed=0
    )
    stream = iter(sampler)
    assert [next(stream).position for _ in range(3)] == [0, 1, 2]
    assert next(iter(sampler)).position == 3
    sampler.skip(10)
    assert next(iter(sampler)).position == 10


def test_ranks_have_places_of_their_own(monkeypatch):
    monkeypatch.setattr('cupre_mm.datasets.seeded_stream.get_rank', lambda: 1)
    monkeypatch.setattr(
        'cupre_mm.datasets.seeded_stream.get_world_size', lambda: 2
    )
    stream = iter(
        SeededSampler(dict(type='InfiniteSampler'), dataset=Draws(), seed=0)
    )
    assert [next(stream).position for _ in range(3)] == [1, 3, 5]


def test_all_else_is_that_of_the_data_set():
    inner = Draws()
    dataset = SeededDataset(inner, 'train', 1)
    assert dataset.metainfo is inner.metainfo
    dataset.pipeline = 'other'
    assert inner.pipeline == 'other'
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.dataset.pipeline == 'other'
    with pytest.raises(AttributeError, match='no_such'):
        _ = dataset.no_such


def test_a_sampler_that_cannot_skip_is_refused(build):
    with pytest.raises(ValueError, match='is a DefaultSampler, which'):
        build(sampler=dict(type='DefaultSampler'))
