"""Benchmark configs: what they say, and what is refused."""

from pathlib import Path

import pytest

from cupre_mm.utils.benchmark_grid.grid_config import (
    read_grid_config,
    to_grid,
)
from cupre_mm.utils.errors import BadConfigError, MissingDataError
from tests.benchmark_stub import BENCHMARK


def grid(**changes):
    return to_grid(Path('grid.py'), {**BENCHMARK, **changes})


def test_sizes_and_seeds_have_names_of_folders_and_splits():
    found = grid(fractions=(100, 2.5), seeds={'2.5': (0, 3), 100: 1})
    assert [size.name for size in found.sizes] == ['2.5pct', '100pct']
    assert [size.split for size in found.sizes] == ['train_2.5', 'train_100']
    assert [*found.seeds.values()] == [(0, 3), (1,)]
    assert found.all_seeds == (0, 1, 3)
    shots = grid(fractions=None, shots=(10,)).sizes[0]
    assert (shots.name, shots.split) == ('10shots', 'train_10shots')
    assert shots.as_dict() == {'shots': 10}


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        (dict(fraction=(5,)), 'fraction'),
        (dict(shots=(3,)), 'one of fractions'),
        (dict(fractions=(0,)), 'percent'),
        (dict(fractions=(120,)), 'percent'),
        (dict(seeds={'20': (0,)}), '100pct'),
        (dict(seeds=(-1,)), 'seeds'),
        (dict(iterations=0), 'iterations=0'),
        (dict(amp='half'), "amp='half'"),
        (dict(keep_checkpoints='none'), 'keep_checkpoints'),
        (dict(baseline='best'), "'best'"),
        (dict(options='x'), "options='x'"),
        (dict(pretraining_seeds=()), 'pretraining_seeds'),
        (dict(pretraining_seeds=(0, 0)), 'names one twice'),
        (dict(pretraining_seeds=(0.5,)), 'whole numbers'),
        (
            dict(pretraining=dict(a=dict(config='x', amp='half'))),
            r"pretraining\.a\.amp='half'",
        ),
        (dict(arms=dict(a=dict(config='x', options=3))), r'arms\.a\.options'),
        (
            dict(
                peers=dict(cellpose=dict(title='Cellpose')),
                arms=dict(a=dict(config='x', control='cellpose')),
                baseline=None,
            ),
            r"arms\.a\.control='cellpose'",
        ),
        (
            dict(data=BENCHMARK['data'] | dict(split_options='--balance x')),
            'split_options',
        ),
        (
            dict(data=BENCHMARK['data'] | dict(test_fraction=20)),
            'test_fraction=20',
        ),
        (dict(arms={}), 'arms is empty'),
        (dict(arms={'a/b': dict(config='x')}), 'a/b'),
        (dict(arms=dict(a=dict())), 'arms.a lacks config'),
        (dict(arms=dict(a=dict(config='x', start='mars'))), 'mars'),
        (
            dict(arms=dict(a=dict(config='x', start='amt2', checkpoint='y'))),
            'start and checkpoint',
        ),
        (dict(pretraining=dict(a=dict(config='x', start='a'))), 'no stage'),
        (dict(data=dict(folder='x')), 'data lacks splits, test'),
    ],
)
def test_a_wrong_value_is_named(changes, told):
    with pytest.raises(BadConfigError, match=told):
        grid(**changes)


def test_one_pretraining_seed_needs_no_tuple():
    assert grid(pretraining_seeds=3).pretraining_seeds == (3,)


def test_a_config_inherits_and_takes_options(tmp_path):
    (tmp_path / 'base.py').write_text(f'benchmark = {BENCHMARK!r}\n')
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = './base.py'\n"
        'benchmark = dict(fractions=(10,), arms=dict(amt2=None))\n'
    )
    found = read_grid_config(child, {'benchmark.iterations': 7})
    assert [*found.arms] == ['scratch', 'coco']
    assert [size.number for size in found.sizes] == [10]
    assert found.iterations == 7


def test_no_benchmark_and_no_file_are_told(tmp_path):
    with pytest.raises(MissingDataError, match='nowhere'):
        read_grid_config(tmp_path / 'nowhere.py')
    (tmp_path / 'other.py').write_text('model = dict()\n')
    with pytest.raises(BadConfigError, match='no dict `benchmark`'):
        read_grid_config(tmp_path / 'other.py')
