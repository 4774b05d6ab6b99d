"""Cells of a work dir, with those that are missing or broken."""

import json

from cupre_mm.evaluation.benchmark_results.cells import (
    count_states,
    read_cells,
)
from cupre_mm.evaluation.benchmark_results.grid import read_grid
from cupre_mm.evaluation.benchmark_results.score_summary import summarize


def read(benchmark):
    benchmark.write_grid()
    return read_cells(benchmark.folder, read_grid(benchmark.folder))


def test_cells_of_the_grid_that_were_not_run_are_missing(benchmark):
    benchmark.add('coco')
    benchmark.add_failed('amt2', '20pct', 0, 'out of memory')
    _, cells, _ = read(benchmark)
    assert count_states(cells) == {
        'done': 1,
        'failed': 1,
        'running': 0,
        'missing': 7,
        'all': 9,
    }
    found = {cell.name: cell for cell in cells}
    assert found['coco/5pct/seed0'].status == 'done'
    assert found['amt2/20pct/seed0'].error == 'out of memory'
    assert found['amt2/5pct/seed1'].status == 'missing'


def test_peers_become_arms_after_those_of_the_grid(benchmark):
    benchmark.add('cellpose', '20pct', kind='peer', title='Cellpose')
    grid, cells, _ = read(benchmark)
    arm = grid.arms[-1]
    assert (arm.name, arm.title, arm.is_peer) == ('cellpose', 'Cellpose', True)
    assert arm.label == 'Cellpose (peer)'
    # None of a peer is missing: the grid does not plan its cells.
    assert sum(cell.arm == 'cellpose' for cell in cells) == 1


def test_an_arm_that_left_the_grid_is_no_peer(benchmark):
    benchmark.add('dropped')
    benchmark.add_failed('dropped', '10pct', 3, 'out of memory')
    grid, cells, unknown = read(benchmark)
    assert 'dropped' not in {arm.name for arm in grid.arms}
    assert 'dropped' not in {cell.arm for cell in cells}
    # Nor are there sizes and seeds that it alone has.
    assert [size.name for size in grid.sizes] == ['5pct', '20pct']
    assert [cell.name for cell in unknown] == [
        'dropped/10pct/seed3',
        'dropped/5pct/seed0',
    ]


def test_a_damaged_cell_of_a_peer_is_that_of_a_peer(benchmark):
    folder = benchmark.add('cellpose', kind='peer', title='Cellpose')
    (folder / 'cell.json').write_text('{')
    benchmark.add('cellpose', seed=1, kind='peer', title='Cellpose')
    grid, cells, unknown = read(benchmark)
    assert unknown == []
    assert (grid.arms[-1].title, grid.arms[-1].is_peer) == ('Cellpose', True)
    states = [cell.status for cell in cells if cell.arm == 'cellpose']
    assert states == ['failed', 'done']


def test_a_cell_that_cannot_be_read_counts_as_failed(benchmark):
    folder = benchmark.add('coco')
    (folder / 'cell.json').write_text('{"status": ')
    other = benchmark.add('amt2')
    (other / 'report.json').write_text('[]')
    _, cells, _ = read(benchmark)
    found = {cell.name: cell for cell in cells}
    for name in ('coco/5pct/seed0', 'amt2/5pct/seed0'):
        assert found[name].status == 'failed'
        assert 'json' in found[name].error


def test_scores_of_the_report_fill_those_of_the_record(benchmark):
    folder = benchmark.add('coco', metrics={'coco/bbox_mAP': 0.4})
    metrics = {
        'coco/bbox_mAP': 0.3,
        'coco/cells_pq': 0.6,
        'coco/bbox_mAP_l': -1.0,
        'coco/cells_count_error': -2.5,
        'coco/nothing': None,
    }
    (folder / 'report.json').write_text(json.dumps({'metrics': metrics}))
    _, cells, _ = read(benchmark)
    (done,) = [cell for cell in cells if cell.status == 'done']
    assert done.metrics == {
        'bbox_mAP': 0.4,
        'cells_pq': 0.6,
        'cells_count_error': -2.5,
    }


def test_scores_of_cells_that_are_not_finished_do_not_count(benchmark):
    benchmark.add('coco', status='running')
    _, cells, _ = read(benchmark)
    assert summarize(cells) == {}


def test_spread_is_that_of_a_sample(benchmark):
    for seed, value in ((0, 0.3), (1, 0.4)):
        benchmark.add('coco', seed=seed, metrics={'coco/bbox_mAP': value})
    _, cells, _ = read(benchmark)
    spread = summarize(cells)['coco', '5pct', 'bbox_mAP']
    assert (spread.num, round(spread.mean, 9)) == (2, 0.35)
    assert round(spread.sd, 9) == round(0.1 / 2**0.5, 9)
