"""The grid as benchmark.json has it."""

import json

import pytest

from cupre_mm.evaluation.benchmark_results.grid import (
    Arm,
    Size,
    parse_size,
    read_grid,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError

CONTENT = {
    'title': 'Cells',
    'arms': {
        'coco': {'title': 'COCO'},
        'amt2': {'setting': 'external'},
        'gone': None,
    },
    'peers': {'stardist': {'title': 'StarDist'}},
    'fractions': [20, 5],
    'seeds': {'5': [0, 1], '20': 3},
    'baseline': 'coco',
    'controls': ['coco', 'amt2'],
    'paper': {'amt2': {'5': {'bbox': 53.8}}},
}


def read(tmp_path, content):
    (tmp_path / 'benchmark.json').write_text(json.dumps(content))
    return read_grid(tmp_path)


@pytest.mark.parametrize('content', [CONTENT, {'benchmark': CONTENT}])
def test_reads_what_the_config_says(tmp_path, content):
    grid = read(tmp_path, content)
    assert grid.title == 'Cells'
    assert grid.arms == (
        Arm('coco', 'COCO'),
        Arm('amt2', 'amt2', 'external'),
        Arm('stardist', 'StarDist', is_peer=True),
    )
    assert [size.name for size in grid.sizes] == ['5pct', '20pct']
    assert grid.seeds == {'5pct': (0, 1), '20pct': (3,)}
    assert grid.baselines == ('coco', 'amt2')
    assert grid.paper == {'amt2': {'5pct': {'bbox': 53.8}}}


def test_one_tuple_of_seeds_is_that_of_all_sizes(tmp_path):
    content = {'arms': {'a': {}}, 'shots': [10, 25], 'seeds': [0, 1]}
    grid = read(tmp_path, content)
    assert grid.seeds == {'10shots': (0, 1), '25shots': (0, 1)}
    assert grid.baselines == ()


def test_names_of_sizes_are_read_back():
    for size in (Size('pct', 2.5), Size('shots', 10.0)):
        assert parse_size(size.name) == size
    assert Size('pct', 2.5).title == '2.5 %'
    with pytest.raises(ValueError, match='no size'):
        parse_size('5%')


def test_without_grid_the_command_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'tools/benchmark\.py'):
        read_grid(tmp_path)


@pytest.mark.parametrize(
    'content',
    [[], {}, {'arms': {}, 'fractions': [5]}, {**CONTENT, 'fractions': 'x'}],
)
def test_what_is_no_grid_is_refused(tmp_path, content):
    with pytest.raises(BadDataError, match='no grid'):
        read(tmp_path, content)
