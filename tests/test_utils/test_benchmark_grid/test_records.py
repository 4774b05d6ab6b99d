"""Records of tasks: what they were run with."""

from dataclasses import replace

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.benchmark_grid.records import (
    changes_of_config,
    check_same_recipe,
    describe_file,
    is_done,
    read_record,
    write_recipe,
    write_record,
)
from cupre_mm.utils.errors import BadConfigError
from tests.benchmark_stub import StubBenchmark

CELL = 'cells/coco/20pct/seed0'


@pytest.fixture
def benchmark(tmp_path) -> Benchmark:
    stub = StubBenchmark(tmp_path)
    return Benchmark(stub.config, stub.work_dir, stub.data, stub.tools)


def test_a_stage_without_its_weights_is_not_done(benchmark):
    task, folder = benchmark.tasks['pretraining/coco'], benchmark.work_dir
    assert not is_done(task, folder)
    write_record(task, folder, dict(status='done'))
    assert not is_done(task, folder)
    (folder / task.name / task.checkpoint).touch()
    assert is_done(task, folder)


def test_half_a_record_is_none(benchmark):
    task, folder = benchmark.tasks[CELL], benchmark.work_dir
    write_record(task, folder, dict(status='done'))
    (folder / CELL / 'cell.json').write_text('{"status": "do')
    assert read_record(task, folder) == {}
    assert not is_done(task, folder)


@pytest.mark.parametrize('status', ['done', 'running'])
def test_another_recipe_is_refused_unless_it_failed(benchmark, status):
    task, folder = benchmark.tasks[CELL], benchmark.work_dir
    write_recipe(task, folder)
    known = dict(status=status, recipe_sha256=task.recipe_sha256)
    write_record(task, folder, known)
    assert check_same_recipe(task, folder)
    other = replace(task, recipe={**task.recipe, 'model.width': 99})
    with pytest.raises(BadConfigError, match=r'model\.width=8, not 99'):
        check_same_recipe(other, folder)
    write_record(task, folder, known | dict(status='failed'))
    assert not check_same_recipe(other, folder)


def test_a_config_edited_while_the_grid_runs_is_noticed(benchmark, tmp_path):
    task = benchmark.tasks[CELL]
    assert changes_of_config(task, tmp_path) == []
    written = tmp_path / task.file.name
    task.config.dump(written)
    assert changes_of_config(task, tmp_path) == []
    written.write_text(written.read_text().replace('width=8', 'width=9'))
    assert changes_of_config(task, tmp_path) == ['model.width']


def test_a_split_is_described_with_its_manifest(tmp_path):
    file = tmp_path / 'train_5.json'
    file.write_text('{"images": [{}, {}], "annotations": [{}]}')
    found = describe_file(file)
    assert (found['images'], found['instances']) == (2, 1)
    assert 'manifest_sha256' not in found
    (tmp_path / 'manifest.json').write_text('{}')
    assert len(describe_file(file)['manifest_sha256']) == 64
