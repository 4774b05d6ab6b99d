"""The time left and the table of states."""

import json

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.progress import (
    Estimate,
    counts_of,
    duration,
    status_table,
)
from tests.benchmark_stub import StubBenchmark


@pytest.fixture
def benchmark(tmp_path) -> Benchmark:
    stub = StubBenchmark(tmp_path)
    return Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)


def done(benchmark, name, **values) -> None:
    task = benchmark.tasks[name]
    folder = benchmark.work_dir / name
    folder.mkdir(parents=True)
    file = folder / ('cell.json' if task.is_cell else 'stage.json')
    file.write_text(json.dumps(dict(status='done', **values)))
    (folder / task.checkpoint).touch()


def test_what_is_done_predicts_the_rest(benchmark):
    states = benchmark.states(benchmark.tasks)
    assert (
        Estimate(benchmark.tasks, benchmark.work_dir, 1).seconds(states)
        is None
    )
    # 3 s for each of 4 iterations of one step.
    done(benchmark, 'pretraining/warmup', seconds_per_iteration=3.0)
    cell = 'cells/scratch/20pct/seed0'
    done(benchmark, cell, seconds_per_iteration=10.0, test_seconds=7.0)
    states = benchmark.states(benchmark.tasks)
    left = Estimate(benchmark.tasks, benchmark.work_dir, 1).seconds(states)
    # coco: 6 steps, amt2: 12, five cells of 4 iterations and a test.
    assert left == pytest.approx(6 * 3 + 12 * 3 + 5 * (4 * 10 + 7))
    many = Estimate(benchmark.tasks, benchmark.work_dir, 100)
    # amt2 and one of its cells cannot be done at the same time.
    assert many.seconds(states) == pytest.approx(12 * 3 + 4 * 10 + 7)


def test_the_table_has_a_row_an_arm(benchmark):
    done(benchmark, 'cells/coco/20pct/seed0')
    states = benchmark.states(benchmark.tasks)
    states['cells/coco/100pct/seed0'] = 'failed'
    lines = status_table(benchmark.tasks, states).splitlines()
    assert lines[1].split() == ['warmup', 'waiting']
    assert lines[-4].split() == ['arm', '20pct', '100pct']
    assert lines[-2].split() == ['coco', '1/1', '0/1', '1', 'failed']
    assert counts_of(states) == '1 of 9 done, 7 waiting, 1 failed'


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(None, 'unknown'), (12, '12 s'), (125, '2 min'), (7500, '2 h 05 min')],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
