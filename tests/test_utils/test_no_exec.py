"""Configs that would run code, refused; each ran it in mmengine."""

import os
import pickle

import mmengine
import mmengine.registry.registry as registry_module
import pytest
from mmengine.config import Config, DictAction
from mmengine.fileio.handlers.registry_utils import file_handlers

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.no_exec import check_config, close_doors, read_config


@pytest.fixture
def closed(monkeypatch):
    """The doors closed for one test only."""
    for owner, name in (
        (registry_module, 'get_object_from_string'),
        (registry_module, 'import_module'),
        (Config, 'fromfile'),
        (Config, 'fromstring'),
    ):
        before = owner.__dict__[name]
        monkeypatch.setattr(owner, name, before)
    for kind in ('pkl', 'pickle', 'yaml', 'yml'):
        monkeypatch.setitem(file_handlers, kind, file_handlers[kind])
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '0')
    close_doors()


@pytest.mark.parametrize(
    ('values', 'match'),
    [
        ({'type': 'os.system', 'command': 'true'}, "type='os.system'"),
        ({'type': 'subprocess.Popen'}, 'not registered in mmengine'),
        ({'type': 'antigravity'}, 'not registered'),
        ({'type': 'mmdet.registry.os.system'}, 'not registered in mmdet'),
        ({'type': 'mmengine.utils.misc.subprocess.Popen'}, 'not registered'),
        ({'type': 'cupre_mm.utils.cli.os.system'}, 'not registered in cupre'),
        ({'type': "__import__('os').system('true')"}, 'not registered'),
        ({'type': ['os.system']}, 'is no string'),
        ({'type': 'mmpretrain.torchvision/Lambda'}, 'evaluates'),
        ({'type': 'torchvision/ConvertImageDtype'}, 'evaluates'),
        ({'type': 'CameraMotionCompensation'}, 'evaluates'),
        ({'type': 'RFSearchHook'}, 'evaluates'),
        ({'constructor': 'os.system'}, "constructor='os.system'"),
        ({'runner_type': 'os.system'}, 'runner_type'),
        ({'_scope_': 'evil'}, '_scope_'),
        ({'default_scope': 'evil'}, 'default_scope'),
        ({'custom_imports': {'imports': ['evil']}}, 'would import'),
        ({'ann_file': 'data/x.PKL'}, 'is a pickle'),
        ({'files': ['http://a/b.pickle']}, 'is a pickle'),
    ],
)
def test_what_would_run_code_is_refused(values, match):
    with pytest.raises(BadConfigError, match=match):
        check_config(Config({'model': {'deep': [({'x': values},)]}}))


def test_registered_types_and_written_pickles_pass():
    check_config(
        Config(
            {
                'a': {'type': 'cupre_mm.MoCoLoss'},
                'b': {'type': 'Resize', 'nms': {'type': 'soft_nms'}},
                'c': {'type': 'mmdet.Resize', '_scope_': 'mmdet'},
                'd': {'type': 'SGD', 'type_of_name': 'os.system'},
                'e': {'type': 'DumpResults', 'out_file_path': 'x.pkl'},
                'f': {'type': 'RoIAlign'},
                'g': {'type': 'Pretrained', 'checkpoint': 'a.pth'},
            }
        )
    )


def test_nothing_is_imported_by_name_once_doors_are_closed(
    closed, tmp_path, monkeypatch
):
    (tmp_path / 'evil_module.py').write_text('raise SystemExit(3)')
    (tmp_path / 'evil').mkdir()
    (tmp_path / 'evil/registry.py').write_text('raise SystemExit(3)')
    monkeypatch.syspath_prepend(tmp_path)
    for kind in ('evil_module', 'evil_module.x', 'evil.X', 'os.system'):
        with pytest.raises(KeyError, match='is not in the'):
            MODELS.build({'type': kind, 'command': 'true'})
    assert MODELS.get('mmdet.ResNet').__name__ == 'ResNet'
    assert MODELS.get('mmpretrain.LinearNeck').__name__ == 'LinearNeck'


def test_data_files_run_nothing_once_doors_are_closed(closed, tmp_path):
    path = tmp_path / 'a.pkl'
    mmengine.dump([1], path)
    assert pickle.loads(path.read_bytes()) == [1]
    with pytest.raises(BadConfigError, match='is a pickle'):
        mmengine.load(path)
    ran = tmp_path / 'RAN'
    (tmp_path / 'a.yaml').write_text(
        f'a: !!python/object/apply:os.mkdir ["{ran}"]'
    )
    with pytest.raises(Exception, match='could not determine a constructor'):
        mmengine.load(tmp_path / 'a.yaml')
    (tmp_path / 'a.py').write_text(f'import os; os.mkdir({str(ran)!r})')
    with pytest.raises(BadConfigError, match='is not read without'):
        Config.fromfile(tmp_path / 'a.py')
    with pytest.raises(BadConfigError, match='is not read'):
        Config.fromstring(f'import os; os.mkdir({str(ran)!r})', '.py')
    assert not ran.exists()
    assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'


def test_without_the_flag_python_configs_run(tmp_path):
    (tmp_path / 'a.py').write_text('b = 1 + 1')
    assert read_config(tmp_path / 'a.py').b == 2
    with pytest.raises(BadConfigError, match='is not read without'):
        read_config(tmp_path / 'a.py', no_exec=True)


@pytest.mark.parametrize(
    'value', ["__import__('os').mkdir('RAN')", '[__import__("os")]', '${x}']
)
def test_options_of_the_command_line_are_not_evaluated(
    tmp_path, monkeypatch, value
):
    import argparse

    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    found = parser.parse_args(['--cfg-options', f'a={value}']).cfg_options
    assert str(found['a']).strip('[]\'"') == value.strip('[]\'"')
    assert not (tmp_path / 'RAN').exists()
