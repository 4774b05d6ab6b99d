"""Configs as json and yaml: the same values, and nothing that runs."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config

from cupre_mm.utils.data_config import read_data_config, write_data_config
from cupre_mm.utils.errors import BadConfigError, MissingDataError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
VALUES = {
    'scale': (1333, [(1, 2), None]),
    'size': float('inf'),
    'texts': ['no', '1e3', 'a: b', '\u00e9'],
    'flag': True,
    'empty': {},
    'nothing': (),
}


def refused(path, text, match):
    path.write_text(text)
    with pytest.raises(BadConfigError, match=match):
        read_data_config(path)


@pytest.mark.parametrize('suffix', ['.json', '.yaml', '.yml'])
def test_values_come_back_with_their_types(tmp_path, suffix):
    path = tmp_path / f'config{suffix}'
    write_data_config(Config(VALUES), path)
    assert repr(read_data_config(path).to_dict()) == repr(VALUES)


@pytest.mark.parametrize(
    ('config', 'suffix'),
    [('amt2.py', '.json'), ('demo/amt2_demo.py', '.yaml')],
)
def test_a_whole_config_is_the_same_as_data(tmp_path, config, suffix):
    original = Config.fromfile(CONFIGS / config)
    path = tmp_path / f'config{suffix}'
    write_data_config(original, path)
    read = read_data_config(path)
    assert repr(read.to_dict()) == repr(original.to_dict())
    assert read.pretty_text == original.pretty_text
    # The runner writes the config of the run to its work dir.
    read.dump(tmp_path / f'copy{suffix}')
    assert (tmp_path / f'copy{suffix}').read_text() == path.read_text()
    assert read.dump() == path.read_text()


def test_a_base_is_merged_as_mmengine_does(tmp_path):
    base = {'a': {'x': 1, 'y': 2}, 'b': {'type': 'A', 'z': 1}, 'c': [1]}
    above = {
        '_base_': 'base.json',
        'a': {'y': 3},
        'b': {'_delete_': True, 'type': 'B'},
        'c': [2, 3],
        'd': {'e': {'f': 1}},
    }
    (tmp_path / 'base.json').write_text(json.dumps(base))
    (tmp_path / 'above.json').write_text(json.dumps(above))
    ours = read_data_config(tmp_path / 'above.json').to_dict()
    assert ours == Config.fromfile(tmp_path / 'above.json').to_dict()
    assert ours['b'] == {'type': 'B'}


def test_bases_may_not_be_python_nor_go_in_a_circle(tmp_path):
    path = tmp_path / 'a.json'
    (tmp_path / 'evil.py').write_text('raise SystemExit(3)')
    refused(path, '{"_base_": "evil.py"}', r'evil\.py is not read without')
    refused(path, '{"_base_": ["mmdet::a.json"]}', 'is not the path')
    refused(path, '{"_base_": "a.json"}', 'in a circle')
    refused(path, '{"_base_": 3}', 'no list of files')
    (tmp_path / 'b.json').write_text('{"a": 1}')
    refused(path, '{"_base_": ["b.json", "b.json"]}', 'more than one _base_')
    path.write_text('{"_base_": "gone.json"}')
    with pytest.raises(MissingDataError, match=r'gone\.json'):
        read_data_config(path)
    (tmp_path / 'b.json').write_text('{"a": 1}')
    refused(path, '{"_base_": "b.json", "a": {"b": 1}}', '_delete_')


def test_python_configs_are_not_run(tmp_path):
    path = tmp_path / 'config.py'
    refused(path, f'open({str(tmp_path / "ran")!r}, "w")', 'print_config.py')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    'text',
    [
        '!!python/object/apply:os.system ["touch RAN"]',
        'a: !!python/object/apply:subprocess.check_call [[touch, RAN]]',
        'a: !!python/name:os.system',
        'a: !!python/object/new:os.system ["touch RAN"]',
        'a: !!python/module:this',
    ],
)
def test_objects_of_yaml_are_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    refused(tmp_path / 'a.yaml', text, r'a\.yaml: could not determine')
    assert not (tmp_path / 'RAN').exists()


def test_templates_are_refused_wherever_they_are(tmp_path):
    for text in ('{{ fileBasename }}', "{{'$X:!!python/name:os.system'}}"):
        content = json.dumps({'a': [{'b': text}]})
        refused(tmp_path / 'a.json', content, 'is a template')


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('[1]', 'holds a list'),
        ('{"a": ', 'Expecting value'),
        ('[' * 100_000, 'recursion|nested|Expecting'),
        ('{"filename": 1}', 'reserved'),
    ],
)
def test_what_is_no_config_is_named(tmp_path, text, match):
    refused(tmp_path / 'a.json', text, match)
    refused(tmp_path / 'a.yaml', 'a: 2020-01-01', 'is no value of a config')


def test_what_only_python_can_hold_is_not_written(tmp_path):
    with pytest.raises(BadConfigError, match=r'a\.b\[0\] is <class'):
        write_data_config(Config({'a': {'b': [int]}}), tmp_path / 'a.json')
    with pytest.raises(BadConfigError, match='must end in'):
        write_data_config(Config({}), tmp_path / 'a.py')
    with pytest.raises(BadConfigError, match=r'the key 1.*\.yaml'):
        write_data_config(Config({'a': {1: 2}}), tmp_path / 'a.json')
    assert not list(tmp_path.iterdir())
