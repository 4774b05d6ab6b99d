"""A config written as data trains and tests without running anything."""

import json
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
# Both tools in one process: what --no-exec closes stays closed in it.
SCRIPT = """
import runpy, sys
config, work = sys.argv[1:]
def tool(name, *arguments):
    sys.argv = [name, *arguments]
    runpy.run_path(f'tools/{name}.py', run_name='__main__')
tool('train', config, '--work-dir', work, '--no-exec')
tool('test', config, f'{work}/iter_2.pth', '--work-dir', work, '--no-exec',
     '--out', f'{work}/predictions.pkl')
"""


def run(*arguments) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_data_gives_the_same_model_as_python(
    load_tool, tiny_config, tmp_path, capsys
):
    data = tmp_path / 'tiny_data.json'
    seed = ['--cfg-options', 'randomness.seed=3']
    load_tool('print_config').main(
        [str(tiny_config), '--out', str(data), *seed]
    )
    assert f'Wrote {data}' in capsys.readouterr().out
    assert '_base_' not in json.loads(data.read_text())
    run('-W', 'ignore', '-c', SCRIPT, data, tmp_path / 'data')
    load_tool('train').main(
        [str(tiny_config), '--work-dir', str(tmp_path / 'python'), *seed]
    )
    ours, theirs = (
        torch.load(tmp_path / kind / 'iter_2.pth', weights_only=False)
        for kind in ('data', 'python')
    )
    assert ours['state_dict'].keys() == theirs['state_dict'].keys()
    for name, value in ours['state_dict'].items():
        assert torch.equal(value, theirs['state_dict'][name]), name
    assert (tmp_path / 'data/predictions.pkl').is_file()
    # The copy in the work dir can be used again as it is.
    assert (tmp_path / 'data/tiny_data.json').read_text().count('_tuple_')


def test_without_out_the_config_is_printed(load_tool, tmp_path, capsys):
    (tmp_path / 'a.py').write_text('a = (1, 2)\nb = dict(c=None)\n')
    load_tool('print_config').main(
        [str(tmp_path / 'a.py'), '--cfg-options', 'b.c=3']
    )
    printed = capsys.readouterr().out
    assert 'b = dict(c=3)' in printed
    assert ' '.join(printed.split()).startswith('a = ( 1, 2, )')
