"""Config values that fuzzing found: each raised a bare Python error."""

import pytest

from cupre_mm.datasets import CellImages
from cupre_mm.datasets.transforms import (
    CellColorJitter,
    PercentileNormalize,
    RandomCellCrop,
)
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.task_schedule import TaskSchedule

NAN, INF = float('nan'), float('inf')


@pytest.mark.parametrize(
    'values',
    [
        dict(sources=5),
        dict(sources=[dict(name='a', paths=5)]),
        dict(sources=[dict(name='a', paths=[5])]),
        dict(sources=[dict(name=['a'], paths='a')]),
        dict(sources={'a': 5}),
        dict(sources={'a': 'a'}, data_root=5),
        dict(sources={'a': 'a'}, extensions=5),
        dict(sources={'a': 'a'}, extensions='.png'),
        dict(sources={'a': 'a'}, max_bad_share='few'),
        dict(sources={'a': 'a'}, max_bad_share=NAN),
    ],
    ids=str,
)
def test_cell_images_refuse_values_of_a_wrong_kind(values):
    with pytest.raises(BadConfigError):
        CellImages(**values)


@pytest.mark.parametrize(
    'values',
    [
        dict(brightness='much'),
        dict(brightness=-1),
        dict(contrast=[1, 2, 3]),
        dict(contrast=['a', 'b']),
        dict(saturation=NAN),
        dict(hue={}),
        dict(brightness=[0, INF]),
        dict(backend='max'),
    ],
    ids=str,
)
def test_colour_jitter_refuses_what_is_no_range(values):
    with pytest.raises(BadConfigError, match='CellColorJitter'):
        CellColorJitter(**values)


@pytest.mark.parametrize('low', ['a', None, [], NAN])
def test_percentiles_are_numbers(low):
    with pytest.raises(BadConfigError):
        PercentileNormalize(low=low)


@pytest.mark.parametrize(
    'size', ['ab', None, 0.5, {}, [8, 'a'], [8, NAN], [8], True, [8.5, 8]]
)
def test_crop_sizes_are_whole_numbers(size):
    with pytest.raises(BadConfigError, match='size'):
        RandomCellCrop(size)


@pytest.mark.parametrize(
    'values',
    [
        dict(steps=5),
        dict(steps=[5]),
        dict(steps={'moco': 1}),
        dict(steps=[['moco']]),
        dict(warmup_iters='many'),
        dict(warmup_iters=NAN),
        dict(warmup_iters=INF),
        dict(warmup_iters=[1]),
        dict(warmup_steps=[None]),
    ],
    ids=str,
)
def test_schedule_refuses_what_is_no_step_or_number(values):
    with pytest.raises(BadConfigError, match=r'schedule|warmup'):
        TaskSchedule(**values)
