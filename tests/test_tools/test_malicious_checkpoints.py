"""What a checkpoint with code does when the tools are given it: nothing."""

import os

import pytest
import torch


class Evil:
    def __reduce__(self):
        return os.mkdir, ('RAN',)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'evil.pth'
    torch.save({'state_dict': {}, 'meta': {'x': Evil()}}, path)
    return path


def arguments_of(tool, config, checkpoint):
    if tool == 'export_detector':
        return [checkpoint, checkpoint.with_name('out.pth')]
    if tool == 'test':
        return [config, checkpoint]
    return [config, '--cfg-options', f'load_from={checkpoint}']


@pytest.mark.parametrize('tool', ['train', 'test', 'export_detector'])
def test_a_checkpoint_with_code_is_refused(
    load_tool, tiny_config, checkpoint, capsys, tool
):
    arguments = arguments_of(tool, tiny_config, checkpoint)
    with pytest.raises(SystemExit) as stopped:
        load_tool(tool).main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    assert 'mkdir' in capsys.readouterr().err
    assert not (checkpoint.parent / 'RAN').exists()


def test_resuming_from_a_checkpoint_with_code_is_refused(
    load_tool, tiny_config, checkpoint, capsys
):
    with pytest.raises(SystemExit) as stopped:
        load_tool('train').main(
            [str(tiny_config), '--resume', str(checkpoint)]
        )
    assert stopped.value.code == 2
    assert 'mkdir' in capsys.readouterr().err
    assert not (checkpoint.parent / 'RAN').exists()
