"""How a benchmark was run, as its page tells it."""

import json

import pytest

from cupre_mm.evaluation.benchmark_results.results import collect
from cupre_mm.evaluation.benchmark_results.results_files import to_json
from tests.result_pages import page_of

PEER = {'kind': 'peer', 'title': 'Cellpose'}


def test_deviations_name_the_sizes_that_they_hold_for(benchmark):
    for seed in (0, 1):
        benchmark.add('cellpose', seed=seed, deviations=['amp'], **PEER)
    both = ['amp', 'nimg_per_epoch=42']
    benchmark.add('cellpose', '20pct', 0, deviations=both, **PEER)
    benchmark.add('cellpose', '20pct', 1, deviations=['amp'], **PEER)
    # What failed departs in nothing that is shown.
    failed = dict(status='failed', deviations=['n_epochs=2'])
    benchmark.add('cellpose', '100pct', 0, **failed, **PEER)
    benchmark.write_grid()
    page = page_of(benchmark.folder)
    assert (
        'Cellpose differs from its documented recipe:\n\n'
        '- amp, at 5 %, 20 %\n- nimg_per_epoch=42, at 20 % (seed 0)\n'
    ) in page
    assert 'n_epochs=2' not in page


@pytest.mark.parametrize(
    ('content', 'record', 'told'),
    [
        ({}, {'git_dirty': False}, False),
        ({'git_dirty': True}, {'git_dirty': False}, True),
        ({'git_dirty': False}, {'git_dirty': True}, True),
        ({}, {'git_dirty': True, 'kind': 'peer'}, False),
    ],
)
def test_changes_that_were_not_committed_are_told(
    benchmark, content, record, told
):
    benchmark.add('coco', git_commit='abc', git_dirty=False)
    arm = 'cellpose' if 'kind' in record else 'amt2'
    benchmark.add(arm, git_commit='abc', **record)
    file = benchmark.folder / 'benchmark.json'
    file.write_text(json.dumps({**benchmark.grid, **content}))
    page = page_of(benchmark.folder)
    assert 'Git commit: abc' in page
    assert ('abc, with changes that were not committed.' in page) == told


def test_versions_of_peers_stand_apart(benchmark):
    benchmark.add('coco', versions={'torch': '2.11'})
    versions = {'torch': '2.7', 'cellpose': '3.1.1'}
    benchmark.add('cellpose', versions=versions, **PEER)
    benchmark.write_grid()
    found = to_json(collect(benchmark.folder, bootstrap=None))
    assert found['versions'] == {'torch': ['2.11']}
    assert found['peer_versions'] == {
        'torch': ['2.7'],
        'cellpose': ['3.1.1'],
    }
    assert found['notes'] == []
    page = page_of(benchmark.folder)
    assert 'Versions: torch 2.11.' in page
    assert 'Versions of the peers: torch 2.7, cellpose 3.1.1.' in page


def test_an_arm_that_left_the_grid_is_in_no_table(benchmark):
    benchmark.add('coco')
    benchmark.add('dropped')
    benchmark.add('dropped', seed=1)
    benchmark.write_grid()
    page = page_of(benchmark.folder)
    told = 'neither arms of the grid nor peers: dropped (2 cells).'
    assert told in page
    assert page.count('dropped') == 1
