import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from cupre_mm.datasets import DualDataLoader
from cupre_mm.utils.task_schedule import TaskSchedule
from tests.tiny_amt2 import loader_config

Paths = dict[str, list[list[str]]]


@pytest.fixture
def build(demo_data: Path) -> Callable[..., DualDataLoader]:
    """Build the tiny dual loader with parts of its config changed."""
    init_default_scope('mmdet')

    def build_loader(
        changes: dict[str, dict | None] | None = None,
        num_workers: int = 0,
        **kwargs: Any,
    ) -> DualDataLoader:
        config = loader_config(demo_data, num_workers)
        del config['type']
        for task, change in (changes or {}).items():
            config[task] = (
                None if change is None else {**config[task], **change}
            )
        return DualDataLoader(**config, **{'seed': 3, **kwargs})

    return build_loader


def paths_of(draws: Any, number: int) -> list[Paths]:
    return [
        {
            task: [
                [Path(s.img_path).name for s in b['data_samples']]
                for b in drawn
            ]
            for task, drawn in draw.items()
        }
        for draw in itertools.islice(draws, number)
    ]


def test_draws_batches_of_both_tasks_by_their_own_size(build):
    loader = build()
    draw = next(iter(loader))
    assert {task: len(batches) for task, batches in draw.items()} == {
        'moco': 1,
        'det': 1,
    }
    views = draw['moco'][0]['inputs']
    assert [tuple(view.shape) for view in views] == [(4, 3, 32, 32)] * 2
    assert len(draw['det'][0]['inputs']) == 2
    assert len(draw['det'][0]['data_samples'][0].gt_instances) > 0
    assert loader.batch_size == 2
    assert isinstance(loader.primary, DataLoader)
    assert loader.dataset is loader.loaders['det'].dataset
    assert len(loader) == 5


def test_is_endless_and_passes_over_every_image(build):
    draws = paths_of(iter(build()), 12)
    det = [name for draw in draws for batch in draw['det'] for name in batch]
    assert len(set(det[:10])) == 10
    assert sorted(det[:10]) == sorted(det[10:20])
    moco = [name for draw in draws for batch in draw['moco'] for name in batch]
    assert len(set(moco[:16])) == 16


def test_draws_what_the_schedule_asks_for(build):
    schedule = TaskSchedule(('moco', 'det', 'moco'), warmup_iters=2)
    draws = paths_of(iter(build(schedule=schedule)), 4)
    counts = [(len(draw['moco']), len(draw['det'])) for draw in draws]
    assert counts == [(0, 1), (0, 1), (2, 1), (2, 1)]


def test_joint_step_takes_one_batch_of_each(build):
    draw = next(iter(build(schedule=TaskSchedule(('moco+det',)))))
    assert [len(batches) for batches in draw.values()] == [1, 1]


def test_measures_the_waiting_time_of_each_task(build):
    loader = build()
    next(iter(loader))
    assert set(loader.data_time) == {'moco', 'det'}
    assert all(seconds > 0 for seconds in loader.data_time.values())


@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize(
    'schedule',
    [
        TaskSchedule(),
        TaskSchedule(('moco', 'moco', 'det'), warmup_iters=3),
        TaskSchedule(('det',), 4, ('moco', 'det')),
    ],
    ids=['pairs', 'repeats', 'moco_first'],
)
def test_skip_continues_where_an_endless_run_would_be(
    build, schedule, num_workers
):
    whole = paths_of(iter(build(schedule=schedule)), 9)
    for done in (2, 5):
        loader = build(schedule=schedule, num_workers=num_workers)
        # The way of mmengine's loop: the sampler, in samples.
        loader.sampler.skip(done * loader.batch_size)
        assert paths_of(iter(loader), 4) == whole[done : done + 4]


def test_skip_loads_no_data(build, monkeypatch):
    loader = build()
    loaded: list[str] = []
    for task, one in loader.loaders.items():
        prepare = one.dataset.prepare_data
        monkeypatch.setattr(
            one.dataset,
            'prepare_data',
            lambda index, task=task, prepare=prepare: (
                loaded.append(task),
                prepare(index),
            )[1],
        )
    loader.skip_iters(500)
    draws = iter(loader)
    assert loaded == []
    next(draws)
    assert sorted(loaded) == ['det'] * 2 + ['moco'] * 4


def test_start_takes_over_the_seed_of_an_interrupted_run(build):
    whole = paths_of(iter(build(seed=11)), 6)
    loader = build(seed=12)
    loader.start_at(4, seed=11)
    loader.skip_iters(4)
    assert paths_of(iter(loader), 2) == whole[4:]
    assert loader.loaders['moco'].dataset.stream_seed == 11


def test_start_leaves_a_sampler_with_a_seed_of_its_own(build):
    own = dict(sampler=dict(type='InfiniteSampler', seed=99))
    expected = paths_of(iter(build({'det': own}, seed=11)), 1)
    loader = build({'det': own}, seed=12)
    loader.start_at(0, seed=11)
    assert paths_of(iter(loader), 1) == expected


def test_seeds_decide_the_draws(build):
    one, same, other = (
        paths_of(iter(build(seed=seed)), 3) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_loader_of_an_untrained_task_is_not_built(build):
    # Its folder does not exist, and nobody looks.
    absent = dict(dataset=dict(type='cupre_mm.CellImages', sources={'a': 'b'}))
    loader = build({'moco': absent}, schedule=TaskSchedule(('det',)))
    assert set(loader.loaders) == {'det'}
    assert set(next(iter(loader))) == {'det'}


def test_contrast_alone_is_led_by_its_own_loader(build):
    loader = build({'det': None}, schedule=TaskSchedule(('moco',)))
    assert loader.primary is loader.loaders['moco']
    assert loader.batch_size == 4
    whole = paths_of(iter(loader), 5)
    resumed = build({'det': None}, schedule=TaskSchedule(('moco',)))
    resumed.sampler.skip(3 * resumed.batch_size)
    assert paths_of(iter(resumed), 2) == whole[3:]


def test_ready_loaders_are_taken_as_they_are(build):
    built = build().loaders
    loader = DualDataLoader(**built)
    assert loader.loaders == built


@pytest.mark.parametrize('task', ['moco', 'det'])
def test_missing_loader_of_a_scheduled_task(build, task):
    with pytest.raises(ValueError, match=f'train_dataloader.{task} is None'):
        build({task: None})


def test_missing_loader_of_a_warm_up_task(build):
    schedule = TaskSchedule(('moco',), warmup_iters=1)
    with pytest.raises(ValueError, match=r'train_dataloader\.det is None'):
        build({'det': None}, schedule=schedule)


@pytest.mark.parametrize(('task', 'size'), [('moco', 16), ('det', 10)])
def test_batch_larger_than_the_data_set(build, task, size):
    build({task: dict(batch_size=size)})
    with pytest.raises(ValueError, match=f'data set of {size} images'):
        build({task: dict(batch_size=size + 1)})


def test_batch_sampler_is_refused(build):
    batch_sampler = dict(type='AspectRatioBatchSampler')
    with pytest.raises(ValueError, match='AspectRatioBatchSampler') as caught:
        build({'det': dict(batch_sampler=batch_sampler)})
    assert 'batch_sampler=None' in str(caught.value)


def test_sampler_that_ends_is_refused(build):
    sampler = dict(type='DefaultSampler', shuffle=True)
    with pytest.raises(ValueError, match='DefaultSampler') as caught:
        build({'moco': dict(sampler=sampler)})
    assert 'InfiniteSampler' in str(caught.value)
