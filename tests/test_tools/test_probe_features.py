"""tools/analysis/probe_features.py on generated cells."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from cupre_mm.utils.demo_data import write_demo_data
from cupre_mm.utils.errors import BadCheckpointError
from tools.analysis import probe_features as tool

CONFIG = Path(__file__).parents[2] / 'configs/demo/finetune_scratch_demo.py'


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('data')
    write_demo_data(root / 'demo', seed=0, size='tiny')
    return root


@pytest.fixture
def config(data, monkeypatch) -> Config:
    monkeypatch.setenv('CUPRE_DATA', str(data))
    init_default_scope('mmdet')
    return Config.fromfile(CONFIG)


def saved(config: Config, path: Path, **weights: torch.Tensor) -> Path:
    """Weights of a detector, drawn by another seed than the tool's."""
    state = tool.load_features(config.model, tool.RANDOM, 5).state_dict()
    named = {key.replace('__', '.'): value for key, value in weights.items()}
    torch.save({'state_dict': {**state, **named}}, path)
    return path


def test_random_weights_and_a_checkpoint_are_probed(
    config, data, tmp_path, capsys
):
    weights = saved(config, tmp_path / 'other.pth')
    out = tmp_path / 'probe.json'
    split = next(data.glob('demo/cells_labelled/annotations/*.json'))
    code = tool.main(
        [
            *(str(CONFIG), tool.RANDOM, str(weights)),
            *('--train', str(split), '--test', str(split)),
            *('--images', '3', '--batch-size', '2', '--pixels', '2000'),
            *('--levels', 'C2', 'P3', '--out', str(out)),
        ]
    )
    assert code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith(tool.RANDOM)
    assert lines[-1].endswith('other.pth')
    shares = json.loads(out.read_text())['shares']
    assert [*shares] == [tool.RANDOM, str(weights)]
    assert [*shares[tool.RANDOM]] == ['C2', 'P3']
    for levels in shares.values():
        for found in levels.values():
            assert len(found) == 3
            # Bright cells are told from their ground by any features.
            assert 0.4 < sum(found) / 3 <= 1
    assert shares[tool.RANDOM] != shares[str(weights)]
    mean = 100 * sum(shares[tool.RANDOM]['C2']) / 3
    assert f'C2 {mean:.1f}' in lines[-2]


def test_weights_of_backbone_and_neck_are_those_of_the_file(config, tmp_path):
    path = saved(config, tmp_path / 'a.pth')
    state = torch.load(path)['state_dict']
    model = tool.load_features(config.model, str(path), 0)
    for name, value in model.state_dict().items():
        if name.startswith(('backbone.', 'neck.')):
            assert value.equal(state[name]), name


def test_weights_of_another_shape_are_refused(config, tmp_path):
    path = saved(
        config, tmp_path / 'b.pth', backbone__conv1__weight=torch.zeros(3)
    )
    with pytest.raises(BadCheckpointError, match=r'1 weights.*conv1\.weight'):
        tool.load_features(config.model, str(path), 0)


def test_no_pixels_are_refused(capsys):
    with pytest.raises(SystemExit):
        tool.main(
            ['x.py', 'y.pth', '--train', 'a', '--test', 'b', '--pixels', '0']
        )
    assert '--pixels must be at least 1' in capsys.readouterr().err
