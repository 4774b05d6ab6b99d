import os
from pathlib import Path

import pytest

from cupre_mm.apis.napari_plugin.model_shelf import ModelChoice, ModelShelf
from cupre_mm.utils.errors import BadCheckpointError, MissingDataError


@pytest.fixture
def files(tmp_path):
    config, checkpoint = tmp_path / 'config.py', tmp_path / 'weights.pth'
    config.write_text('a = 1')
    checkpoint.write_bytes(b'weights')
    return config, checkpoint


@pytest.fixture
def loaded():
    return []


@pytest.fixture
def shelf(loaded):
    def load(choice: ModelChoice) -> object:
        loaded.append(choice)
        return object()

    return ModelShelf(load)


def test_same_choice_is_loaded_once(files, shelf, loaded):
    assert shelf.get(ModelChoice(*files)) is shelf.get(ModelChoice(*files))
    assert len(loaded) == 1


def test_another_device_is_another_model(files, shelf, loaded):
    shelf.get(ModelChoice(*files))
    shelf.get(ModelChoice(*files, 'cpu'))
    assert [one.device for one in loaded] == [None, 'cpu']


def test_checkpoint_that_changed_is_loaded_anew(files, shelf, loaded):
    first = shelf.get(ModelChoice(*files))
    os.utime(files[1], ns=(1, 1))
    assert shelf.get(ModelChoice(*files)) is not first
    assert len(loaded) == 2


def test_failed_load_is_tried_again(files):
    tries = []

    def load(choice: ModelChoice) -> str:
        tries.append(choice)
        if len(tries) == 1:
            raise BadCheckpointError('broken')
        return 'model'

    shelf = ModelShelf(load)
    with pytest.raises(BadCheckpointError):
        shelf.get(ModelChoice(*files))
    assert shelf.get(ModelChoice(*files)) == 'model'


def test_nothing_chosen_is_told_by_kind(files):
    with pytest.raises(MissingDataError, match='choose the config'):
        ModelChoice(Path(), files[1])
    with pytest.raises(MissingDataError, match='choose the checkpoint'):
        ModelChoice(files[0], Path())


def test_file_that_is_not_there_is_told_by_name(files, tmp_path):
    with pytest.raises(MissingDataError, match='absent'):
        ModelChoice(files[0], tmp_path / 'absent.pth')
