"""Contrastive methods other than MoCo on two real processes."""

import pytest
import torch

from tests.two_ablation_processes import NAMES
from tests.two_processes import torchrun

pytestmark = pytest.mark.distributed


@pytest.fixture(scope='module')
def ranks(data_root, tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp('processes')
    done = torchrun(
        '-m',
        'tests.two_ablation_processes',
        folder,
        CUPRE_DATA=str(data_root),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [
        torch.load(folder / f'rank{rank}.pth', weights_only=False)
        for rank in range(2)
    ]


@pytest.mark.parametrize('name', NAMES)
def test_both_processes_end_with_one_model(ranks, name):
    (one, drawn), (other, drawn_there) = (rank[name] for rank in ranks)
    assert drawn != drawn_there
    # Parameters, key encoder, queues, and the statistics of both tasks.
    assert {key for key in one if not one[key].equal(other[key])} == set()


def test_keys_of_both_processes_are_queued(ranks):
    state, paths = ranks[0]['densecl']
    for queue in ('queue', 'dense_queue'):
        counted = state[f'module.moco.{queue}.num_enqueued'].item()
        assert counted == 2 * len(paths)
