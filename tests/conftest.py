"""Fixtures that several test modules share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the checkout; skips where absent."""
    folder = ROOT.parent / 'shared' / 'data'
    if not folder.is_dir():
        pytest.skip('no real data: ../shared/data does not exist')
    return folder


@pytest.fixture(scope='session')
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data at its smallest size; not to be changed."""
    # Imported here: tests of the build need none of it.
    from cupre_mm.utils.demo_data import write_demo_data

    folder = tmp_path_factory.mktemp('demo_data')
    write_demo_data(folder, seed=0, size='tiny')
    return folder


@pytest.fixture
def demo_batches(demo_data: Path) -> dict[str, list[dict]]:
    """Two batches of each task from the demo data."""
    from mmengine.registry import init_default_scope

    from cupre_mm.datasets import DualDataLoader
    from cupre_mm.utils.task_schedule import TaskSchedule
    from tests.tiny_amt2 import loader_config

    init_default_scope('mmdet')
    config = loader_config(demo_data)
    del config['type']
    schedule = TaskSchedule(('moco', 'det', 'moco', 'det'))
    return next(iter(DualDataLoader(**config, schedule=schedule, seed=0)))
