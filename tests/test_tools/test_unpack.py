import importlib.util
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'dataset_converters' / 'unpack.py'


def _load():
    spec = importlib.util.spec_from_file_location('unpack_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / 'data.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('a/one.txt', b'one')
        file.writestr('two.txt', b'two')
    return path


def test_a_second_run_writes_nothing(archive, tmp_path, capsys):
    args = [str(archive), str(tmp_path / 'out')]
    assert tool.main(args) == 0
    assert '2 files written, 0 there already' in capsys.readouterr().out
    assert tool.main(args) == 0
    assert '0 files written, 2 there already' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'a' / 'one.txt').read_bytes() == b'one'


def test_an_interrupted_run_says_how_to_go_on(
    archive, tmp_path, capsys, monkeypatch
):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(tool, 'unpack', stop)
    assert tool.main([str(archive), str(tmp_path / 'out')]) == 130
    assert 'the same command goes on' in capsys.readouterr().err


def test_missing_and_broken_archives_leave_with_code_2(tmp_path, capsys):
    (tmp_path / 'broken.zip').write_bytes(b'html instead of a zip')
    for name in ('no.zip', 'broken.zip'):
        assert tool.main([str(tmp_path / name), str(tmp_path / 'out')]) == 2
    message = capsys.readouterr().err
    assert 'no.zip does not exist. data/README.md says where' in message
    assert 'broken.zip (21 bytes) is not a zip archive' in message
