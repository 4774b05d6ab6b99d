"""Commands that make the data of a grid."""

import pytest

from cupre_mm.utils.benchmark_grid.data_preparation import (
    preparation_commands,
    run_preparation,
)
from cupre_mm.utils.benchmark_grid.grid_config import read_grid_config
from cupre_mm.utils.errors import BadDataError
from tests.benchmark_stub import BENCHMARK, StubBenchmark

# Writes what the second argument, below the folder of configs, says.
COPY = """
import shutil, sys
from pathlib import Path

target = Path(sys.argv[1]) / 'cells/annotations/instances.json'
target.parent.mkdir(parents=True, exist_ok=True)
shutil.copy(sys.argv[2], target)
"""


@pytest.fixture
def stub(tmp_path) -> StubBenchmark:
    data = dict(
        BENCHMARK['data'],
        generate=('copy_cells.py', '{data}', '{configs}/cells.json'),
    )
    found = StubBenchmark(tmp_path, data=data)
    (found.tools / 'copy_cells.py').write_text(COPY)
    configs = found.tools.parent / 'configs'
    configs.mkdir()
    annotations = found.data / 'cells/annotations/instances.json'
    annotations.rename(configs / 'cells.json')
    return found


def commands_of(stub: StubBenchmark) -> list[list[str]]:
    grid = read_grid_config(stub.config, None)
    return preparation_commands(grid, stub.data, stub.tools)


def names_of(commands: list[list[str]]) -> list[str]:
    return [command[1].rpartition('/')[2] for command in commands]


def test_data_is_generated_where_its_folder_lacks_annotations(stub):
    commands = commands_of(stub)
    names = ['copy_cells.py', 'make_splits.py', 'list_images.py']
    assert names_of(commands) == names
    run_preparation(commands)
    assert (stub.data / 'cells/annotations/seed0/manifest.json').is_file()
    assert commands_of(stub) == []


def test_annotations_that_are_there_are_not_generated(stub):
    run_preparation(commands_of(stub)[:1])
    assert names_of(commands_of(stub)) == ['make_splits.py', 'list_images.py']


def test_splits_do_without_what_they_were_made_of(stub):
    run_preparation(commands_of(stub))
    (stub.data / 'cells/annotations/instances.json').unlink()
    assert commands_of(stub) == []


def test_a_tool_that_fails_is_named(stub):
    (stub.tools / 'copy_cells.py').write_text('raise SystemExit(3)')
    with pytest.raises(BadDataError, match=r'copy_cells\.py failed.* code 3'):
        run_preparation(commands_of(stub))
