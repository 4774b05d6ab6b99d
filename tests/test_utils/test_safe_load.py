"""Reading checkpoints: all that real ones hold, and no code."""

import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader

from cupre_mm.utils import safe_load
from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.errors import BadCheckpointError, MissingDataError
from cupre_mm.utils.safe_load import load_local, peek, register_safe_loaders
from tests.pickles import Malicious, OldHistoryBuffer


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    return tmp_path / 'ran.txt'


@pytest.fixture
def malicious(tmp_path: Path, victim: Path) -> Path:
    """A checkpoint with good weights that creates a file when unpickled."""
    path = tmp_path / 'malicious.pth'
    weights = {'backbone.conv1.weight': torch.zeros(1)}
    torch.save({'state_dict': weights, 'meta': Malicious(victim)}, path)
    return path


def saved(tmp_path: Path, value: object, **options: bool) -> Path:
    path = tmp_path / 'saved.pth'
    torch.save(value, path, **options)
    return path


def test_the_malicious_file_would_run_its_code(malicious, victim):
    torch.load(malicious, weights_only=False)
    assert victim.is_file()


@pytest.mark.parametrize('read', [load_local, read_checkpoint, peek])
def test_code_is_refused_with_file_type_and_remedy(malicious, victim, read):
    with pytest.raises(BadCheckpointError) as caught:
        read(malicious)
    message = str(caught.value)
    assert str(malicious) in message
    assert 'pathlib' in message
    assert 'weights_only=False' in message
    assert not victim.exists()


def test_mmengines_loader_does_not_fall_back_to_running_code(
    malicious, victim
):
    with pytest.raises(BadCheckpointError):
        CheckpointLoader.load_checkpoint(str(malicious), map_location='cpu')
    assert not victim.exists()


def test_pretrained_weights_of_a_part_run_no_code(malicious, victim):
    part = BaseModule(
        init_cfg={'type': 'Pretrained', 'checkpoint': str(malicious)}
    )
    with pytest.raises(BadCheckpointError):
        part.init_weights()
    assert not victim.exists()


@pytest.mark.parametrize(
    'reference',
    ['https://host/file.pth', 'torchvision://resnet18', 'mmcls://vgg11'],
)
def test_downloads_run_no_code(malicious, victim, monkeypatch, reference):
    monkeypatch.setattr(
        'mmengine.runner.checkpoint.load_url',
        lambda url, **options: torch.load(malicious, weights_only=False),
    )
    with pytest.raises(BadCheckpointError, match=reference):
        CheckpointLoader.load_checkpoint(reference, map_location='cpu')
    assert not victim.exists()


@pytest.mark.parametrize('protocol', [0, 4])
def test_pickles_that_are_no_torch_files_run_no_code(
    tmp_path, victim, protocol
):
    path = tmp_path / 'plain.pkl'
    path.write_bytes(pickle.dumps(Malicious(victim), protocol))
    with pytest.raises(BadCheckpointError):
        read_checkpoint(path)
    assert not victim.exists()


def test_environment_cannot_turn_it_off(malicious, victim, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    with pytest.raises(BadCheckpointError):
        load_local(malicious)
    assert not victim.exists()


def test_reading_leaves_the_environment_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    load_local(saved(tmp_path, {}))
    assert safe_load.os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] == '1'
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in safe_load.os.environ


def test_getattr_of_a_pickle_reaches_nothing_but_statistics(tmp_path):
    class Reach:
        def __reduce__(self) -> tuple:
            return getattr, (HistoryBuffer, '__init__')

    path = saved(tmp_path, {'meta': Reach()})
    with pytest.raises(BadCheckpointError, match='getattr'):
        load_local(path)


def test_all_that_checkpoints_of_mmengine_hold_is_read(tmp_path):
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    state = OrderedDict(weight=torch.ones(2))
    state._metadata = OrderedDict({'': {'version': 1}})
    checkpoint = {
        'state_dict': state,
        'meta': {'dataset_meta': ConfigDict(classes=('cell',))},
        'message_hub': {
            'log_scalars': OrderedDict({'train/loss': history}),
            'runtime_info': {
                'score': np.float64(0.5),
                'seen': np.int64(3),
                'flag': np.bool_(True),
                'counts': np.arange(3, dtype=np.uint8),
                'device': torch.device('cpu'),
                'dtype': torch.float16,
                'part': slice(1, 2),
            },
        },
        'optimizer': {'state': defaultdict(dict, {0: {'step': 3}})},
    }
    read = load_local(saved(tmp_path, checkpoint))
    loss = read['message_hub']['log_scalars']['train/loss']
    assert loss.statistics('mean', 2) == 0.375
    assert read['state_dict']._metadata == state._metadata
    assert read['meta'] == checkpoint['meta']
    info = read['message_hub']['runtime_info']
    assert info.pop('counts').tolist() == [0, 1, 2]
    expected = checkpoint['message_hub']['runtime_info']
    assert info == {name: expected[name] for name in info}
    assert read['optimizer']['state'] == {0: {'step': 3}}


@pytest.mark.parametrize('package', [b'numpy.core', b'numpy._core'])
def test_arrays_of_numpy_1_and_2_are_read(tmp_path, package):
    path = saved(tmp_path, {'score': np.float64(0.5), 'ids': np.arange(3)})
    other = tmp_path / 'other.pth'
    with (
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(other, 'w') as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            for own in (b'numpy._core.', b'numpy.core.'):
                content = content.replace(own, package + b'.')
            target.writestr(name, content)
    read = load_local(other)
    assert read['score'] == 0.5
    assert read['ids'].tolist() == [0, 1, 2]


def test_history_with_methods_of_older_mmengine_is_read(tmp_path):
    """Early versions pickled the statistics along with each buffer."""
    path = saved(tmp_path, OldHistoryBuffer())
    read = load_local(path)
    assert read['max'] is HistoryBuffer.max


def test_checkpoints_of_mmdet_2_are_read_without_the_config_code(tmp_path):
    """Their ``meta.config`` would be run as Python when resuming."""
    meta = {
        'mmdet_version': '2.0.0',
        'CLASSES': ('a', 'b'),
        'config': "raise SystemExit('ran')",
        'env_info': 'sys.platform: linux',
        'epoch': 12,
        'iter': 87960,
    }
    path = saved(
        tmp_path,
        {'meta': meta, 'state_dict': OrderedDict(w=torch.ones(1))},
        _use_new_zipfile_serialization=False,
    )
    read = load_local(path)
    assert read['meta'].pop('CLASSES') == ('a', 'b')
    assert 'config' not in read['meta']
    assert read['state_dict']['w'].equal(torch.ones(1))


def test_a_checked_file_is_read_once(tmp_path):
    path = saved(tmp_path, {'state_dict': {'w': torch.ones(1)}})
    checked = load_local(path, 'cpu', keep=True)
    assert load_local(path, 'cpu') is checked
    assert load_local(path, 'cpu') is not checked


def test_a_file_that_changed_after_the_check_is_read_again(tmp_path):
    path = saved(tmp_path, {'state_dict': {'w': torch.ones(1)}})
    load_local(path, 'cpu', keep=True)
    saved(tmp_path, {'state_dict': {'w': torch.zeros(2), 'v': 1}})
    assert load_local(path, 'cpu')['state_dict']['w'].equal(torch.zeros(2))


def test_home_is_expanded_and_absent_files_are_named(tmp_path, monkeypatch):
    saved(tmp_path, {'a': 1})
    monkeypatch.setenv('HOME', str(tmp_path))
    assert load_local('~/saved.pth') == {'a': 1}
    with pytest.raises(MissingDataError, match=r'none\.pth'):
        load_local('~/none.pth')


def test_registering_twice_wraps_once():
    before = dict(CheckpointLoader._schemes)
    register_safe_loaders()
    assert before == CheckpointLoader._schemes
    assert all(loader.weights_only for loader in before.values())


def test_buffers_can_be_read_too():
    buffer = io.BytesIO()
    torch.save({'w': torch.ones(1)}, buffer)
    buffer.seek(0)
    with safe_load.weights_only('buffer'):
        assert torch.load(buffer, weights_only=False)['w'] == 1
