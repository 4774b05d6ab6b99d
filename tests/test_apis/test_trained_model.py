import pickle
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from cupre_mm.apis.trained_model import load_model, name_of, open_config
from cupre_mm.utils.errors import (
    BadCheckpointError,
    BadConfigError,
    MissingDataError,
)
from tests.tiny_amt2 import build_model, detector_config


class Touch:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def config() -> Config:
    return open_config(Config(dict(model=detector_config())))


@pytest.fixture
def weights() -> dict:
    return build_model(detector_config(), seed=3).state_dict()


def test_weights_and_classes_are_those_of_the_checkpoint(
    config, weights, tmp_path
):
    path = tmp_path / 'w.pth'
    wrapped = {f'module.{name}': value for name, value in weights.items()}
    torch.save(dict(state_dict=wrapped, meta=dict(CLASSES=('a',))), path)
    model = load_model(config, path, 'cpu')
    assert not model.training
    assert model.dataset_meta['classes'] == ('a',)
    for name, value in model.state_dict().items():
        assert value.equal(weights[name])


def test_classes_of_the_config_where_the_checkpoint_tells_none(
    config, weights, tmp_path
):
    path = tmp_path / 'w.pth'
    torch.save(weights, path)
    config.test_dataloader = dict(
        dataset=dict(metainfo=dict(classes=('nucleus',)))
    )
    model = load_model(config, path, 'cpu')
    assert model.dataset_meta['classes'] == ('nucleus',)


def test_weights_that_are_not_there_or_of_another_shape_are_named(
    config, weights, tmp_path
):
    path = tmp_path / 'w.pth'
    del weights['neck.fpn_convs.0.conv.weight']
    weights['rpn_head.rpn_cls.weight'] = torch.zeros(2, 2)
    torch.save(weights, path)
    with pytest.raises(BadCheckpointError) as error:
        load_model(config, path, 'cpu')
    message = str(error.value)
    assert '1 weights of another shape, such as rpn_head.rpn_cls' in message
    assert '1 weights not in the checkpoint, such as neck.fpn_convs' in message


def test_checkpoint_runs_no_code(config, tmp_path):
    path, trace = tmp_path / 'w.pth', tmp_path / 'ran'
    path.write_bytes(pickle.dumps(dict(state_dict=Touch(trace))))
    with pytest.raises(BadCheckpointError):
        load_model(config, path, 'cpu')
    torch.save(dict(state_dict={}, meta=Touch(trace)), path)
    with pytest.raises(BadCheckpointError, match='not loaded'):
        load_model(config, path, 'cpu')
    assert not trace.exists()


def test_missing_files_are_named(config, tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.pth'):
        load_model(config, tmp_path / 'none.pth', 'cpu')
    with pytest.raises(MissingDataError, match=r'none\.py'):
        open_config(tmp_path / 'none.py')


def test_text_that_is_no_checkpoint(config, tmp_path):
    path = tmp_path / 'w.pth'
    path.write_text('not weights')
    with pytest.raises(BadCheckpointError, match=r'w\.pth'):
        load_model(config, path, 'cpu')


@pytest.mark.parametrize('device', ['gpu', 'cuda:99'])
def test_device_that_is_not_there(config, weights, tmp_path, device):
    path = tmp_path / 'w.pth'
    torch.save(weights, path)
    with pytest.raises(BadConfigError, match=device):
        load_model(config, path, device)


@pytest.mark.parametrize('text', ['model = dict(', 'x = 1', '1 / 0'])
def test_config_that_cannot_be_used(tmp_path, text):
    path = tmp_path / 'c.py'
    path.write_text(text)
    with pytest.raises(BadConfigError, match=r'c\.py'):
        open_config(path)


def test_config_in_json_or_an_object_is_as_good(tmp_path):
    path = tmp_path / 'c.json'
    path.write_text('{"model": {"type": "MaskRCNN"}}')
    assert open_config(path).model.type == 'MaskRCNN'
    assert name_of(open_config(path)) == str(path)
    assert name_of(Config(dict(model=dict()))) == 'the config'


def test_untrusted_config_object_is_checked():
    config = Config(dict(model=dict(type='os.system')))
    with pytest.raises(BadConfigError, match=r'os\.system'):
        open_config(config, no_exec=True)
