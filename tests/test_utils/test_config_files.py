"""What a config or an option cannot be is said in one line."""

import argparse
import inspect
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from cupre_mm.utils.cli import add_run_arguments, load_config
from cupre_mm.utils.config_files import OptionsAction, merge_options
from cupre_mm.utils.errors import BadConfigError


def load(path: Path, *options: str) -> Config:
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    given = ['--cfg-options', *options] if options else []
    return load_config(parser.parse_args([str(path), *given]))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'config.py'
    path.write_text(
        'model = dict(type="A", sizes=[1, 2], head=dict(num=3))\nsteps = 4\n'
    )
    return path


def test_options_change_values(config: Path):
    read = load(
        config, 'model.sizes=[3,(4,a)]', 'model.head.num=5', 'model.type=B=C'
    )
    assert read.model.sizes == [3, (4, 'a')]
    assert read.model.head.num == 5
    assert read.model.type == 'B=C'


@pytest.mark.parametrize(
    'option',
    ['no_value', '', 'a=[1,(2]', 'a=0),=', 'a=' + '[' * 3000 + ']' * 3000],
    ids=['no value', 'empty', 'imbalanced', 'closed first', 'deep'],
)
def test_option_that_cannot_be_read_is_a_usage_error(
    config: Path, option: str, capsys
):
    with pytest.raises(SystemExit) as exit_info:
        load(config, option)
    assert exit_info.value.code == 2
    message = capsys.readouterr().err
    assert 'argument --cfg-options' in message
    assert 'key=value' in message


def test_brackets_too_deep_for_the_stack_are_a_usage_error(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction)
    limit = sys.getrecursionlimit()
    # As deep in calls as a program may be that embeds the tool.
    sys.setrecursionlimit(len(inspect.stack()) + 60)
    try:
        with pytest.raises(SystemExit):
            parser.parse_args(['--cfg-options', 'a=' + '[' * 49 + ']' * 49])
    finally:
        sys.setrecursionlimit(limit)
    assert 'recursion' in capsys.readouterr().err


@pytest.mark.parametrize(
    'option',
    ['=1', '.=1', '..a=1', 'model..head=1', '0)=1', 'steps.a.b=1']
    + ['model.sizes.9=1', 'model.sizes.a=1', 'model.type.x=1'],
)
def test_option_that_leads_nowhere_is_refused(config: Path, option: str):
    with pytest.raises(BadConfigError, match='--cfg-options'):
        load(config, option)


def test_key_within_a_number_is_refused(config: Path):
    """Raised AttributeError: 'int' object has no attribute 'copy'."""
    read = Config.fromfile(config)
    with pytest.raises(BadConfigError, match='steps'):
        merge_options(read, {'steps.a': {'b': 1}})


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (b'a = 1\nb = undefined\n', 'NameError'),
        (b'a = 1/0\n', 'ZeroDivisionError'),
        (b'_base_ = 5\n', 'TypeError'),
        (b'_base_ = "no.py"\n', 'no.py'),
        (b'a = "\xa6"\n', 'UnicodeDecodeError|utf-8'),
        (b'a = (\n', 'config.py'),
        (b'a = 1\0\n', 'config.py'),
    ],
)
def test_config_that_does_not_run_through_is_named(
    tmp_path: Path, text: bytes, message: str
):
    path = tmp_path / 'config.py'
    path.write_bytes(text)
    with pytest.raises(BadConfigError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)
