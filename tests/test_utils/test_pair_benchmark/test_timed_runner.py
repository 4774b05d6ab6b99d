import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.registry import MODELS

from cupre_mm.utils.pair_benchmark.random_batches import (
    BatchSizes,
    random_loaders,
)
from cupre_mm.utils.pair_benchmark.timed_runner import TimedRunner


@MODELS.register_module()
class _DrawsAtRandom(BaseModel):
    """A model whose loss depends on its weight and on what it draws."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return dict(loss=self.weight.sum() + torch.rand(1))


@pytest.fixture
def timed(tmp_path) -> TimedRunner:
    sizes = BatchSizes(images=1, image_size=(32, 32), views=1, view_size=32)
    optimizer = dict(type='SGD', lr=0.1)
    return TimedRunner(
        'draws',
        ConfigDict(type='mmengine._DrawsAtRandom'),
        random_loaders(sizes)['det'],
        'IterBasedTrainLoop',
        ConfigDict(type='OptimWrapper', optimizer=optimizer),
        'cpu',
        str(tmp_path),
    )


def test_step_trains_and_takes_time(timed):
    assert timed.step() > 0
    assert timed.model.weight.item() == pytest.approx(0.9)
    assert timed.peak_memory(2) == 0
    assert timed.model.weight.item() == pytest.approx(0.7)


def test_same_seed_draws_the_same(timed):
    losses = []
    for seed in (3, 4, 3):
        with torch.no_grad():
            timed.model.weight.fill_(1)
        timed.step(seed)
        losses.append(timed.loss())
    assert losses[0] == losses[2] != losses[1]
