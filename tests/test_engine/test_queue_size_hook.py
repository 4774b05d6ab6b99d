import itertools
from pathlib import Path

import pytest

from cupre_mm.datasets import SourceSampler
from cupre_mm.engine.hooks.queue_size_hook import share_of_own_keys
from tests.tiny_amt2 import log_of, run_config, train, without_queue

HOOK = dict(type='cupre_mm.QueueSizeHook')


class TwoSources:
    """As much of a data set as a sampler looks at."""

    metainfo: dict = {}

    def __init__(self, numbers: list[int]) -> None:
        self.sources = [s for s, n in zip('ab', numbers) for _ in range(n)]

    def __len__(self) -> int:
        return len(self.sources)

    def get_data_info(self, index: int) -> dict:
        return {'source': self.sources[index]}


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


# 16 unlabelled images: with 8 keys a chance of 1/8.
@pytest.mark.parametrize(('length', 'share'), [(8, 12), (16, 50), (100, 100)])
def test_long_queue_is_a_warning_with_the_numbers(log_with, length, share):
    log = log_with({'model.moco.queue.length': length})
    assert f'WARNING - The queue holds {length} keys' in log
    assert f'16 images: about {share}% of the queries' in log
    assert 'model.moco.queue.length to 7 or less' in log


def test_shorter_queue_is_fine(log_with):
    log = log_with({'model.moco.queue.length': 7})
    assert 'The queue holds' not in log


@pytest.mark.parametrize('length', [20, 100, 150, 250])
@pytest.mark.parametrize('shares', [None, [0.5, 0.5]])
def test_share_of_own_keys_is_that_of_the_drawn_stream(length, shares):
    numbers = [20, 80]
    weights = shares and dict(zip('ab', shares))
    sampler = SourceSampler(TwoSources(numbers), weights=weights, seed=0)
    draws = list(itertools.islice(sampler, 6000))
    own = [
        draws[at] in draws[at - length : at] for at in range(300, len(draws))
    ]
    returns = [
        (number / share, share)
        for number, share in zip(numbers, shares or [0.2, 0.8])
    ]
    assert share_of_own_keys(length, returns) == pytest.approx(
        sum(own) / len(own), abs=0.04
    )


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
