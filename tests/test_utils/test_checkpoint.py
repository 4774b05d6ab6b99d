import socket
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from cupre_mm.utils.checkpoint import (
    checkpoint_references,
    read_checkpoint,
    rename_moco_keys,
    resolve_checkpoint,
    state_dict_of,
)
from cupre_mm.utils.errors import (
    BadCheckpointError,
    MissingDataError,
    NoNetworkError,
)
from tests.tiny_amt2 import build_model, reference_moco

# A port that nothing listens on: the connection is refused at once.
REFUSED = 'http://127.0.0.1:9/backbone.pth'


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / 'iter_1.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(2)), meta={}), path)
    return path


def test_existing_file_is_given_back(checkpoint):
    assert resolve_checkpoint(str(checkpoint)) == str(checkpoint)


def test_file_in_the_home_folder_is_found(checkpoint, monkeypatch):
    monkeypatch.setenv('HOME', str(checkpoint.parent))
    assert resolve_checkpoint('~/iter_1.pth') == '~/iter_1.pth'
    assert 'state_dict' in read_checkpoint('~/iter_1.pth')


def test_missing_file_is_named_with_what_to_do(tmp_path):
    path = str(tmp_path / 'none.pth')
    with pytest.raises(MissingDataError, match='load_from=FILE') as caught:
        resolve_checkpoint(path)
    assert path in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(MissingDataError):
        resolve_checkpoint(str(tmp_path))


def test_url_without_a_network_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(NoNetworkError, match='by hand') as caught:
        resolve_checkpoint(REFUSED)
    assert REFUSED in str(caught.value)
    assert 'load_from=FILE' in str(caught.value)
    assert isinstance(caught.value, ConnectionError)


def test_timeout_is_set_for_the_download_only(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    before = socket.getdefaulttimeout()
    with pytest.raises(NoNetworkError):
        resolve_checkpoint(REFUSED)
    assert socket.getdefaulttimeout() == before


def test_references_are_load_from_and_every_pretrained_part():
    config = Config(
        dict(
            load_from='a.pth',
            model=dict(
                init_cfg=dict(type='Pretrained', checkpoint='b.pth'),
                backbone=dict(
                    init_cfg=dict(type='Pretrained', checkpoint='c.pth')
                ),
                roi_head=dict(
                    bbox_head=[
                        dict(
                            init_cfg=[
                                dict(type='Xavier', layer='Linear'),
                                dict(type='Pretrained', checkpoint='d.pth'),
                            ]
                        )
                    ]
                ),
                neck=dict(init_cfg=dict(type='Xavier', layer='Conv2d')),
                rpn_head=dict(
                    init_cfg=dict(type='Pretrained', checkpoint=None)
                ),
            ),
        )
    )
    found = checkpoint_references(config)
    assert found[0] == 'a.pth'
    assert sorted(found) == ['a.pth', 'b.pth', 'c.pth', 'd.pth']


@pytest.mark.parametrize('config', [{}, {'load_from': None, 'model': {}}])
def test_config_without_checkpoints_has_no_reference(config):
    assert checkpoint_references(config) == []


def test_reads_what_was_saved(checkpoint):
    assert read_checkpoint(checkpoint)['state_dict']['weight'].equal(
        torch.ones(2)
    )


def test_truncated_file_is_named(checkpoint):
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadCheckpointError, match='complete') as caught:
        read_checkpoint(checkpoint)
    assert str(checkpoint) in str(caught.value)


def test_file_that_holds_something_else_is_refused(tmp_path):
    path = tmp_path / 'list.pth'
    torch.save([1, 2], path)
    with pytest.raises(BadCheckpointError, match='holds a list'):
        read_checkpoint(path)


def test_prefix_of_a_distributed_wrapper_is_dropped():
    weights = {'module.backbone.w': torch.ones(1), 'neck.module.w': None}
    assert set(state_dict_of({'state_dict': weights})) == {
        'backbone.w',
        'neck.module.w',
    }
    assert set(state_dict_of(weights)) == {'backbone.w', 'neck.module.w'}


def test_moco_names_become_those_of_amt2():
    state = dict(reference_moco().state_dict())
    rename_moco_keys(state)
    assert state.keys() <= build_model().state_dict().keys()
    assert not any(name.startswith('neck.') for name in state)
    assert int(state['moco.queue.num_enqueued']) == 12


def test_names_of_other_checkpoints_are_left_alone():
    state = build_model().state_dict()
    names = list(state)
    rename_moco_keys(state)
    assert list(state) == names
