"""Splits that are there, against those that a grid would make."""

import json
import shutil

import pytest

from cupre_mm.utils.benchmark_grid.benchmark import Benchmark
from cupre_mm.utils.errors import BadDataError
from tests.benchmark_stub import BENCHMARK, StubBenchmark


@pytest.fixture
def stub(tmp_path) -> StubBenchmark:
    found = StubBenchmark(tmp_path, seeds=(0, 1))
    prepare(found)
    return found


def prepare(stub: StubBenchmark, **changes: object) -> None:
    if changes:
        stub.write(seeds=(0, 1), data={**BENCHMARK['data'], **changes})
    Benchmark(stub.config, stub.work_dir, stub.data, stub.tools).prepare()


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        (dict(test_fraction=0.4), r'test_fraction=0\.2, not 0\.4'),
        (dict(val_fraction=0.1), r'val_fraction=0\.0, not 0\.1'),
        (
            dict(split_options=('--balance', 'instances')),
            "balance='none', not 'instances'",
        ),
        (dict(split_options=('--test-seed', '3')), 'test_seed=0, not 3'),
        (
            dict(split_options=('--stratify', 'auto')),
            "stratify=None, not 'auto'",
        ),
    ],
)
def test_other_settings_than_those_of_the_grid_are_named(stub, changes, told):
    with pytest.raises(BadDataError, match=told):
        prepare(stub, **changes)


def test_other_annotations_are_told(stub):
    file = stub.data / 'cells/annotations/instances.json'
    coco = json.loads(file.read_text())
    coco['images'].pop()
    file.write_text(json.dumps(coco))
    with pytest.raises(BadDataError, match='another state of'):
        prepare(stub)
    # Splits may be all that was copied to a cluster.
    file.unlink()
    prepare(stub)


def test_splits_of_another_seed_are_told(stub):
    folder = stub.data / 'cells/annotations'
    shutil.rmtree(folder / 'seed1')
    shutil.copytree(folder / 'seed0', folder / 'seed1')
    with pytest.raises(BadDataError, match='seed=0, not 1'):
        prepare(stub)


def test_strata_by_a_csv_file_are_known_by_its_name(stub):
    table = stub.data / 'kinds.csv'
    names = [f'{number}.png,{number % 2}' for number in range(20)]
    table.write_text('\n'.join(['file_name,attribute', *names]))
    for seed in (0, 1):
        shutil.rmtree(stub.data / f'cells/annotations/seed{seed}')
    own = dict(split_options=('--stratify', str(table)))
    prepare(stub, **own)
    prepare(stub, **own)
    with pytest.raises(BadDataError, match=r"'kinds\.csv', not None"):
        prepare(stub, split_options=())


def test_half_a_manifest_is_told(stub):
    file = stub.data / 'cells/annotations/seed0/manifest.json'
    file.write_text('{"seed": 0')
    with pytest.raises(BadDataError, match=r'no manifest of make_splits\.py'):
        prepare(stub)


def test_a_share_without_an_end_is_read_back(stub):
    for seed in (0, 1):
        shutil.rmtree(stub.data / f'cells/annotations/seed{seed}')
    prepare(stub, test_fraction=1 / 3)
    prepare(stub, test_fraction=1 / 3)
