from copy import deepcopy

import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmengine.runner import Runner

from cupre_mm.engine import BFloat16OptimWrapper
from cupre_mm.utils import mixed_precision
from cupre_mm.utils.mixed_precision import enable_amp
from tests.tiny_amt2 import SGD, TWO_SGD, run_config, train


@pytest.fixture
def losses_of(demo_data, tmp_path, monkeypatch):
    monkeypatch.setattr(mixed_precision, 'get_device', lambda: 'cpu')

    def run(
        wrapper: dict, dtype: str | None
    ) -> tuple[Runner, list[dict[str, float]]]:
        config = run_config(demo_data, tmp_path / str(dtype))
        config.optim_wrapper = deepcopy(wrapper)
        if dtype is not None:
            enable_amp(config, dtype)
        runner, recorder = train(config)
        return runner, [
            {name: float(value) for name, value in outputs.items()}
            for outputs in recorder.outputs
        ]

    return run


@pytest.mark.parametrize('wrapper', [SGD, TWO_SGD], ids=['one', 'per_task'])
def test_amt2_trains_on_the_cpu_with_losses_close_to_float32(
    losses_of, wrapper
):
    _, expected = losses_of(wrapper, None)
    runner, losses = losses_of(wrapper, 'bfloat16')
    names = [name for name in expected[0] if 'loss' in name]
    assert {'moco/loss', 'det/loss', 'det/s2.loss_mask'} <= set(names)
    for one, other in zip(losses, expected):
        assert one['moco/loss'] == pytest.approx(
            other['moco/loss'], rel=0.1, abs=0.1
        )
        assert one['det/loss'] == pytest.approx(other['det/loss'], rel=0.02)
    # Equal ones would mean that nothing was computed in bfloat16.
    assert losses[0]['moco/loss'] != expected[0]['moco/loss']
    assert losses[0]['det/loss'] != expected[0]['det/loss']
    optimizers = getattr(runner.optim_wrapper, 'optim_wrappers', None) or {
        'all': runner.optim_wrapper
    }
    for one in optimizers.values():
        assert isinstance(one, BFloat16OptimWrapper)
        assert not hasattr(one, 'loss_scaler')
    for name, value in runner.model.state_dict().items():
        assert value.dtype in (torch.float32, torch.int64), name


def test_boxes_stay_float32_and_hooks_go(losses_of, monkeypatch):
    seen = []
    original = SingleRoIExtractor.forward

    def recorded(self, feats, rois, *args, **kwargs):
        seen.extend([feats[0].dtype, rois.dtype])
        return original(self, feats, rois, *args, **kwargs)

    monkeypatch.setattr(SingleRoIExtractor, 'forward', recorded)
    runner, _ = losses_of(SGD, 'bfloat16')
    assert set(seen) == {torch.float32}
    for module in runner.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
