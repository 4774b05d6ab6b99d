"""tools/analysis/measure_communication.py in two processes."""

import json

import pytest

from cupre_mm.registry import MODELS
from tests.tiny_amt2 import ROOT
from tests.two_processes import torchrun

pytestmark = pytest.mark.distributed

TOOL = 'tools/analysis/measure_communication.py'
VIEWS, VIEW_SIZE, KEY_DIM = 4, 32, 128


@pytest.fixture(scope='module')
def measured(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp('communication') / 'out.json'
    done = torchrun(
        *(TOOL, '--batch-size', 1, '--image-size', 64),
        *('--views', VIEWS, '--view-size', VIEW_SIZE),
        *('--pairs', 1, '--out', path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('by the formula') == 1
    return json.loads(path.read_text())


def payloads(measured: dict, step: str) -> dict[tuple[str, str], float]:
    return {
        (row['origin'].rpartition('.')[2], row['kind']): row['payload']
        for row in measured['rows']
        if row['step'] == step
    }


def test_sockets_agree_with_the_formula(measured):
    if measured['sockets'] is None:
        pytest.skip('this system does not count the bytes of a socket')
    assert measured['sockets'] == pytest.approx(measured['formula'], rel=0.01)


def test_every_parameter_is_reduced_in_both_steps(measured):
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    init_default_scope('mmdet')
    config = Config.fromfile(ROOT / 'configs/mini/amt2_mini.py')
    model = MODELS.build(config.model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    for step in ('moco', 'det'):
        buckets = payloads(measured, step)[
            'gradients (DDP bucket)', 'all_reduce'
        ]
        assert buckets == 4 * trained


def test_contrast_gathers_images_once_and_keys_twice(measured):
    found = payloads(measured, 'moco')
    pixels = VIEWS * 3 * VIEW_SIZE**2
    assert found['batch_shuffle_ddp', 'all_gather'] == 4 * pixels
    keys = 4 * VIEWS * KEY_DIM
    assert found['batch_unshuffle_ddp', 'all_gather'] == keys
    assert found['_loss', 'all_gather'] == keys


def test_neither_queue_nor_buffers_are_sent(measured):
    broadcast = [
        row['payload']
        for row in measured['rows']
        if row['kind'] == 'broadcast'
    ]
    # The order of the shuffle.
    assert broadcast == [8 * 2 * VIEWS]
    queue = 4 * 768 * KEY_DIM
    assert queue not in [row['payload'] for row in measured['rows']]
