import hashlib
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from tests.tiny_amt2 import (
    build_model,
    detector_config,
    log_of,
    run_config,
    train,
)

HOOK = dict(type='cupre_mm.ExportDetectorHook')


@pytest.fixture
def run(demo_data: Path, tmp_path: Path):
    def train_with(hook: dict, options: dict | None = None) -> Runner:
        options = {'custom_hooks': [hook], **(options or {})}
        return train(run_config(demo_data, tmp_path / 'work', options))[0]

    return train_with


def test_writes_the_final_detector_when_training_ends(run, tmp_path):
    runner = run(HOOK)
    (written,) = (tmp_path / 'work').glob('detector-*.pth')
    digest = hashlib.sha256(written.read_bytes()).hexdigest()
    assert written.name == f'detector-{digest[:8]}.pth'
    assert f'Exported the detector to {written}' in log_of(runner)
    stock = build_model(detector_config(), seed=2)
    exported = torch.load(written, weights_only=False)
    stock.load_state_dict(exported['state_dict'], strict=True)
    trained = runner.model.state_dict()
    for name, value in stock.state_dict().items():
        assert value.equal(trained[name]), name
    assert exported['meta']['iter'] == 2


def test_exported_file_is_not_taken_for_a_checkpoint_to_resume(run, tmp_path):
    run(HOOK)
    runner = run(HOOK, {'resume': True, 'train_cfg.max_iters': 3})
    assert runner.iter == 3
    assert len(list((tmp_path / 'work').glob('detector-*.pth'))) == 2


def test_name_can_be_chosen(run, tmp_path):
    run({**HOOK, 'filename': 'cells.pth'})
    assert len(list((tmp_path / 'work').glob('cells-*.pth'))) == 1


def test_checkpoints_elsewhere_are_found(run, tmp_path):
    out_dir = str(tmp_path / 'elsewhere')
    run(HOOK, {'default_hooks.checkpoint.out_dir': out_dir})
    assert len(list((tmp_path / 'work').glob('detector-*.pth'))) == 1


def test_no_checkpoint_is_a_warning(run, tmp_path):
    checkpoint = 'default_hooks.checkpoint'
    runner = run(
        HOOK, {f'{checkpoint}.interval': -1, f'{checkpoint}.save_last': False}
    )
    assert not list((tmp_path / 'work').glob('*.pth'))
    log = log_of(runner)
    assert 'WARNING - No detector was exported' in log
    assert 'default_hooks.checkpoint.interval' in log


def test_checkpoint_of_an_earlier_run_is_not_exported(run, tmp_path):
    run(HOOK)
    (older,) = (tmp_path / 'work').glob('detector-*.pth')
    older.unlink()
    checkpoint = 'default_hooks.checkpoint'
    runner = run(
        HOOK, {f'{checkpoint}.interval': -1, f'{checkpoint}.save_last': False}
    )
    assert not list((tmp_path / 'work').glob('detector-*.pth'))
    assert 'No detector was exported' in log_of(runner)
