"""A few cases of every target, the same ones in every run.

Campaigns of thousands of cases are those of tools/analysis/fuzz.py.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target, all_targets, attempt

CASES = 12
# They build data sets and loops, for some hundredths of a second each.
SLOW = {'coco_dataset': 6, 'config_loops': 6, 'split_options': 6}
TARGETS = all_targets()


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('fuzz')


@pytest.mark.parametrize('name', TARGETS)
def test_ends_well_or_with_a_documented_error(name: str, folder: Path):
    @settings(
        max_examples=SLOW.get(name, CASES),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(TARGETS[name].cases)
    def check(data: bytes) -> None:
        attempt(TARGETS[name], data, folder)

    check()


def test_another_error_is_a_failure(tmp_path: Path):
    def run(data: bytes, folder: Path) -> None:
        raise KeyError(data)

    target = Target('broken', '.bin', st.binary(), run)
    with pytest.raises(KeyError):
        attempt(target, b'x', tmp_path)
