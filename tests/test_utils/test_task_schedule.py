from collections import Counter

import pytest

from cupre_mm.utils.task_schedule import TaskSchedule, split_step


def test_default_is_the_order_of_the_paper():
    schedule = TaskSchedule()
    assert schedule.steps_at(0) == ('moco', 'det')
    assert schedule.tasks == ('moco', 'det')
    assert schedule.batches_at(0) == {'moco': 1, 'det': 1}


def test_a_joint_step_has_two_tasks():
    assert split_step('moco+det') == ('moco', 'det')
    assert split_step('det') == ('det',)
    schedule = TaskSchedule(['moco+det', 'moco'])
    assert schedule.batches_at(0) == {'moco': 2, 'det': 1}
    assert schedule.tasks == ('moco', 'det')


def test_warm_up_comes_first_and_then_never_again():
    schedule = TaskSchedule(('moco',), 3, ('det', 'det'))
    steps = [schedule.steps_at(i) for i in range(5)]
    assert steps == [('det', 'det')] * 3 + [('moco',)] * 2
    assert schedule.tasks == ('moco', 'det')


def test_warm_up_steps_without_warm_up_are_no_tasks():
    assert TaskSchedule(('moco',), 0, ('det',)).tasks == ('moco',)


def test_a_single_step_may_stand_without_its_tuple():
    assert TaskSchedule('det').steps == ('det',)


@pytest.mark.parametrize(
    'schedule',
    [
        TaskSchedule(),
        TaskSchedule(('moco', 'moco', 'det'), 4),
        TaskSchedule(('moco+det', 'det'), 2, ('moco', 'moco')),
        TaskSchedule(('moco',), 6, ('det', 'det')),
    ],
)
def test_count_of_earlier_batches_is_the_sum_over_iterations(schedule):
    total: Counter = Counter()
    for iteration in range(12):
        assert schedule.batches_before(iteration) == total
        total += schedule.batches_at(iteration)


@pytest.mark.parametrize(
    ('schedule', 'expected'),
    [
        (TaskSchedule(('det',)), True),
        (TaskSchedule(('moco+det',)), True),
        (TaskSchedule(('det',), 2, ('det',)), True),
        (TaskSchedule(('det',), 2, ('moco',)), False),
        (TaskSchedule(('det',), 2, ('det', 'det')), False),
        (TaskSchedule(('det', 'det')), False),
        (TaskSchedule(), False),
    ],
)
def test_knows_whether_every_iteration_is_the_same_step(schedule, expected):
    assert schedule.is_single_step is expected


@pytest.mark.parametrize(
    'steps', [('moco', 'seg'), ('',), ('moco+seg',), ('det+det',)]
)
def test_unknown_task_is_named(steps):
    with pytest.raises(ValueError, match=r'train_cfg\.schedule') as caught:
        TaskSchedule(steps)
    assert repr(steps[-1]) in str(caught.value)
    assert 'moco' in str(caught.value)


def test_unknown_task_in_the_warm_up_is_named_as_such():
    with pytest.raises(ValueError, match=r"warmup_schedule.*'seg'"):
        TaskSchedule(warmup_steps=('seg',))


def test_empty_schedule_is_refused():
    with pytest.raises(ValueError, match='schedule is empty'):
        TaskSchedule(())


@pytest.mark.parametrize('number', [-1, 2.5])
def test_number_of_warm_up_iterations_must_be_one(number):
    with pytest.raises(ValueError, match=f'warmup_iters={number}'):
        TaskSchedule(warmup_iters=number)
