"""A split of small images, and a driver that stands for a peer's."""

import sys
from pathlib import Path

import pytest

from cupre_mm.evaluation.benchmark_results.grid import parse_size
from cupre_mm.evaluation.peers.label_sets import write_label_set
from cupre_mm.evaluation.peers.peer_cell import PeerCell
from cupre_mm.evaluation.peers.peer_environment import PeerEnvironment
from tests import fake_peer
from tests.scored_cells import write_cells


@pytest.fixture
def environment() -> PeerEnvironment:
    return PeerEnvironment(
        name='cellpose',
        python=Path(sys.executable),
        driver=Path(fake_peer.__file__),
        versions_wanted='3.',
        requirements="'cellpose<4'",
    )


@pytest.fixture
def work_dir(tmp_path) -> Path:
    folder = tmp_path / 'work'
    folder.mkdir()
    return folder


@pytest.fixture
def squares(tmp_path, work_dir):
    """Three images of square cells, as a label set in the work dir."""
    file = write_cells(tmp_path / 'squares')
    return write_label_set(file, file.parent / 'images', work_dir / 'sets')


@pytest.fixture
def cell(squares, work_dir) -> PeerCell:
    return PeerCell(
        arm='cellpose',
        title='Cellpose',
        size=parse_size('5pct'),
        seed=1,
        root=work_dir,
        train=squares,
        test=squares,
        recipe={'n_epochs': 7},
        command=['python', 'tool.py'],
        deviations=('n_epochs=7',),
    )
