from pathlib import Path

import pytest

from tests.tiny_amt2 import log_of, run_config, train, without_queue

HOOK = dict(type='cupre_mm.QueueSizeHook')


@pytest.fixture
def log_with(demo_data: Path, tmp_path: Path):
    """Log of a run with some config values changed."""

    def train_with(options: dict) -> str:
        options = {
            'custom_hooks': [HOOK],
            'train_cfg.max_iters': 1,
            **options,
        }
        return log_of(train(run_config(demo_data, tmp_path, options))[0])

    return train_with


# 16 unlabelled images and batches of 4 leave 12.
@pytest.mark.parametrize('length', [12, 16, 100])
def test_long_queue_is_a_warning_with_the_numbers(log_with, length):
    log = log_with({'model.moco.queue.length': length})
    assert f'WARNING - The queue holds {length} keys' in log
    assert '16 images, 12 without a batch of 4' in log
    assert 'model.moco.queue.length below 12' in log


def test_shorter_queue_is_fine(log_with):
    log = log_with({'model.moco.queue.length': 11})
    assert 'The queue holds' not in log


def test_detection_alone_has_no_queue_to_check(log_with):
    log = log_with(
        {'train_cfg.schedule': ('det',), 'model.moco.queue.length': 100}
    )
    assert 'The queue holds' not in log


def test_a_method_without_negatives_has_no_queue_to_check(demo_data, tmp_path):
    config = run_config(
        demo_data, tmp_path, {'custom_hooks': [HOOK], 'train_cfg.max_iters': 1}
    )
    config.model.moco = without_queue()
    runner, _ = train(config)
    assert 'The queue holds' not in log_of(runner)
