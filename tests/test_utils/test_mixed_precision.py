import argparse

import pytest
import torch
from mmengine.config import Config

from cupre_mm.utils import mixed_precision
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.mixed_precision import add_amp_argument, enable_amp

SGD = {'type': 'SGD', 'lr': 0.1}
BFLOAT16 = 'cupre_mm.BFloat16OptimWrapper'


@pytest.fixture
def device(monkeypatch):
    def pretend(name: str) -> None:
        monkeypatch.setattr(mixed_precision, 'get_device', lambda: name)

    return pretend


@pytest.mark.parametrize(
    ('arguments', 'value'),
    [
        ([], None),
        (['--amp'], 'float16'),
        (['--amp', 'float16'], 'float16'),
        (['--amp', 'bfloat16'], 'bfloat16'),
    ],
)
def test_flag_takes_an_optional_type(arguments, value):
    parser = argparse.ArgumentParser()
    add_amp_argument(parser)
    assert parser.parse_args(arguments).amp == value


def test_flag_refuses_other_types(capsys):
    parser = argparse.ArgumentParser()
    add_amp_argument(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(['--amp', 'float64'])
    assert "choose from 'float16', 'bfloat16'" in capsys.readouterr().err


def test_float16_keeps_the_loss_scale_of_the_config(device):
    device('cuda')
    config = Config({'optim_wrapper': {'optimizer': SGD, 'loss_scale': 512.0}})
    enable_amp(config)
    assert config.optim_wrapper.type == 'AmpOptimWrapper'
    assert config.optim_wrapper.dtype == 'float16'
    assert config.optim_wrapper.loss_scale == 512.0


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_wrapper_of_each_task_is_changed(device, dtype, monkeypatch):
    device('cuda')
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda **options: True
    )
    wrapper = {'type': 'OptimWrapper', 'optimizer': SGD}
    config = Config(
        {
            'optim_wrapper': {
                'constructor': 'cupre_mm.TaskOptimWrapperConstructor',
                'moco': dict(wrapper),
                'det': {'optimizer': SGD},
            }
        }
    )
    enable_amp(config, dtype)
    for task in ('moco', 'det'):
        one = config.optim_wrapper[task]
        if dtype == 'float16':
            assert one.type == 'AmpOptimWrapper'
            assert one.loss_scale == 'dynamic'
        else:
            assert one.type == BFLOAT16
            assert 'loss_scale' not in one
    assert 'type' not in config.optim_wrapper


def test_bfloat16_runs_on_the_cpu_without_a_loss_scale(device):
    device('cpu')
    wrapper = {'type': 'AmpOptimWrapper', 'optimizer': SGD, 'loss_scale': 2.0}
    config = Config({'optim_wrapper': wrapper})
    enable_amp(config, 'bfloat16')
    assert config.optim_wrapper == {'type': BFLOAT16, 'optimizer': SGD}


@pytest.mark.parametrize('name', ['cpu', 'mps'])
def test_float16_without_an_accelerator_is_refused(device, name):
    device(name)
    with pytest.raises(BadConfigError, match='use --amp bfloat16'):
        enable_amp(Config({'optim_wrapper': {'optimizer': SGD}}))


def test_bfloat16_on_another_accelerator_is_refused(device):
    device('npu')
    with pytest.raises(BadConfigError, match="'npu': use --amp float16"):
        enable_amp(Config({'optim_wrapper': {'optimizer': SGD}}), 'bfloat16')


def test_bfloat16_on_an_old_gpu_is_refused(device, monkeypatch):
    device('cuda')
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda **options: False
    )
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'Tesla V100')
    with pytest.raises(BadConfigError, match='Tesla V100 computes no bfl'):
        enable_amp(Config({'optim_wrapper': {'optimizer': SGD}}), 'bfloat16')


@pytest.mark.parametrize(
    'wrapper',
    [{'type': 'ApexOptimWrapper', 'optimizer': SGD}, {'constructor': 'X'}],
)
def test_wrapper_that_cannot_be_changed_is_refused(device, wrapper):
    device('cuda')
    with pytest.raises(BadConfigError, match='--amp'):
        enable_amp(Config({'optim_wrapper': wrapper}))
