from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from cupre_mm.utils.errors import BadCheckpointError
from tests.tiny_amt2 import (
    build_model,
    detector_config,
    log_of,
    reference_moco,
    run_config,
    weights_of,
)


@pytest.fixture
def config(demo_data: Path, tmp_path: Path) -> Config:
    hook = dict(type='cupre_mm.CheckpointReportHook')
    return run_config(demo_data, tmp_path / 'run', {'custom_hooks': [hook]})


def load(config: Config, state: dict, folder: Path) -> Runner:
    path = folder / 'start.pth'
    torch.save(dict(meta={}, state_dict=state), path)
    config.load_from = str(path)
    runner = Runner.from_cfg(config)
    runner.load_or_resume()
    return runner


def test_report_of_a_stock_detector_is_logged(config, tmp_path):
    state = build_model(detector_config(), seed=5).state_dict()
    runner = load(config, state, tmp_path)
    log = log_of(runner)
    assert f'{tmp_path / "start.pth"}: weights by name' in log
    names = len(weights_of(runner.model))
    branch = len(weights_of(runner.model, 'moco.'))
    assert f'loaded: {names - branch} (backbone ' in log
    assert f'missing: {branch} (moco {branch}): moco.neck.' in log
    assert 'unexpected: 0' in log


def test_report_foretells_what_is_loaded_from_a_moco_checkpoint(
    config, tmp_path
):
    state = reference_moco().state_dict()
    runner = load(config, state, tmp_path)
    log = log_of(runner)
    # One more than the file has: the count of keys is made up on loading.
    assert f'loaded: {len(state) + 1} (backbone ' in log
    own = runner.model.state_dict()
    assert own['backbone.conv1.weight'].equal(state['backbone.conv1.weight'])


def test_unexpected_and_mismatched_weights_are_named(config, tmp_path):
    state = build_model(detector_config()).state_dict()
    state['extra.weight'] = torch.zeros(2)
    state['backbone.conv1.weight'] = torch.zeros(2, 2)
    log = log_of(load(config, state, tmp_path))
    assert 'unexpected: 1 (extra 1): extra.weight' in log
    assert 'mismatched: 1 (backbone 1): backbone.conv1.weight' in log


def test_checkpoint_of_another_model_stops_the_run(config, tmp_path):
    state = {'encoder.weight': torch.zeros(3)}
    with pytest.raises(BadCheckpointError, match='no weight that fits') as e:
        load(config, state, tmp_path)
    assert str(tmp_path / 'start.pth') in str(e.value)
    assert "['encoder']" in str(e.value)


def test_backbone_of_other_shapes_stops_the_run(config, tmp_path):
    state = {
        name: torch.zeros(1, 1, 7)
        for name in weights_of(build_model(), 'backbone.')
    }
    with pytest.raises(BadCheckpointError, match='with other shapes'):
        load(config, state, tmp_path)
