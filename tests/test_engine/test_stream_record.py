import shutil

import pytest
from mmengine.registry import init_default_scope

from cupre_mm.datasets import DualDataLoader
from cupre_mm.engine.stream_record import check_same_stream, stream_record
from cupre_mm.utils.task_schedule import TaskSchedule
from tests.tiny_amt2 import loader_config


@pytest.fixture
def record(demo_data):
    init_default_scope('mmdet')

    def record(data=demo_data, seed=1, schedule=None, **changes):
        config = loader_config(data)
        del config['type']
        for task, values in changes.items():
            config[task].update(values)
        loader = DualDataLoader(**config, seed=seed, schedule=schedule)
        return stream_record(loader, seed)

    return record


def test_workers_and_seed_of_the_run_may_change(record):
    check_same_stream(record(), record(seed=2, det=dict(num_workers=2)))


def test_data_that_was_moved_is_the_same(record, demo_data, tmp_path):
    shutil.copytree(demo_data, tmp_path / 'moved')
    check_same_stream(record(), record(tmp_path / 'moved'))


def test_a_renamed_image_is_found(record, demo_data, tmp_path):
    data = shutil.copytree(demo_data, tmp_path / 'moved')
    image = next((data / 'cells_unlabelled/phase').iterdir())
    image.rename(image.with_stem('aaa'))
    with pytest.raises(ValueError, match=r'moco\.dataset was .*, names '):
        check_same_stream(record(), record(data))


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (
            dict(moco=dict(batch_size=3)),
            'train_dataloader.moco.batch_size was 4 and is 3 now',
        ),
        (
            dict(schedule=TaskSchedule(('det', 'moco'))),
            "schedule was ['moco', 'det'] and is ['det', 'moco'] now",
        ),
        (
            dict(schedule=TaskSchedule(warmup_iters=3)),
            "is ['3 x', 'det', 'then', 'moco', 'det'] now",
        ),
        (
            dict(det=dict(sampler=dict(type='InfiniteSampler', seed=9))),
            'InfiniteSampler(shuffle=True, seed=9)',
        ),
    ],
    ids=['batch', 'schedule', 'warm_up', 'sampler'],
)
def test_a_change_is_refused_with_both_values(record, changes, expected):
    with pytest.raises(ValueError, match='cannot go on exactly') as caught:
        check_same_stream(record(), record(**changes))
    assert expected in str(caught.value)
    assert 'fast_forward_on_resume=True' in str(caught.value)


def test_another_number_of_processes_is_refused(record):
    now = record()
    with pytest.raises(ValueError, match='world_size was 8 and is 1 now'):
        check_same_stream({**now, 'world_size': 8}, now)
