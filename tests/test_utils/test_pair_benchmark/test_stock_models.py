"""Stock counterparts of AMT2 models: same weights, same work."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmpretrain.models.selfsup import MoCo
from torch import nn

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.pair_benchmark.random_batches import (
    BatchSizes,
    random_loaders,
)
from cupre_mm.utils.pair_benchmark.stock_models import (
    stock_detector,
    stock_detector_weights,
    stock_moco,
    stock_moco_weights,
)

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'


@pytest.fixture(scope='module')
def config() -> ConfigDict:
    init_default_scope('mmdet')
    path = CONFIGS / '_base_/models/mini_amt2_cascade-mask-rcnn_r18_fpn.py'
    model = Config.fromfile(path).model
    model.moco.queue.length = 16
    return model


@pytest.fixture(scope='module')
def amt2(config) -> nn.Module:
    set_random_seed(0)
    model = MODELS.build(config)
    model.init_weights()
    return model.train()


@pytest.fixture(scope='module')
def batches() -> dict[str, dict]:
    sizes = BatchSizes(images=1, image_size=(64, 96), views=4, view_size=32)
    loaders = random_loaders(sizes)
    return {task: next(iter(loader)) for task, loader in loaders.items()}


def losses_of(model: nn.Module, batch: dict) -> dict[str, torch.Tensor]:
    set_random_seed(1)
    data = model.data_preprocessor(batch, True)
    return model(**data, mode='loss')


def test_detector_has_all_its_weights_and_the_same_losses(
    config, amt2, batches
):
    stock = MODELS.build(stock_detector(config)).train()
    assert type(stock).__name__ == 'CascadeRCNN'
    weights = stock_detector_weights(amt2.state_dict())
    stock.load_state_dict(weights, strict=True)
    ours = losses_of(amt2, {**batches['det'], 'task': 'det'})
    theirs = losses_of(stock, batches['det'])
    assert list(ours) == list(theirs)
    assert len(ours) > 10
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=0)


def test_moco_has_all_its_weights_and_the_same_loss(config, amt2, batches):
    stock = MODELS.build(stock_moco(config)).train()
    assert type(stock) is MoCo
    weights = stock_moco_weights(amt2.state_dict())
    stock.load_state_dict(weights, strict=True)
    for _ in range(2):
        ours = losses_of(amt2, {**batches['moco'], 'task': 'moco'})
        theirs = losses_of(stock, batches['moco'])
        torch.testing.assert_close(ours['loss_infonce'], theirs['loss'])
        torch.testing.assert_close(amt2.moco.queue.queue, stock.queue)


def test_config_of_the_amt2_model_stays_as_it_is(config):
    before = config.to_dict()
    stock_detector(config).backbone.depth = 50
    stock_moco(config).backbone.depth = 50
    assert config.to_dict() == before


def test_stages_that_stock_moco_cannot_contrast_are_refused(config):
    joined = ConfigDict(config.to_dict())
    joined.moco.neck.stages = (-2, -1)
    with pytest.raises(BadConfigError, match=r'stages=\(-2, -1\)'):
        stock_moco(joined)
