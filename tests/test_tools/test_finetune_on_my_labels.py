"""tools/finetune_on_my_labels.py, from label images to a trained model."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from cupre_mm.registry import MODELS
from cupre_mm.utils.checkpoint import read_checkpoint
from cupre_mm.utils.own_labels.score_threshold import THRESHOLDS
from tests.labelled_discs import write_labelled

TINY_BASE = """
_base_ = [
    {model!r},
    {runtime!r},
]
model = dict(
    backbone=dict(base_channels=8),
    neck=dict(in_channels=[8, 16, 32, 64]),
    train_cfg=dict(rpn_proposal=dict(nms_pre=60, max_per_img=30)),
    test_cfg=dict(
        rpn=dict(nms_pre=60, max_per_img=30),
        rcnn=dict(score_thr=0.0, max_per_img=10),
    ),
)
"""
BASES = Path(__file__).resolve().parents[2] / 'configs' / '_base_'
QUICK = ('--workers', '0', '--device', 'cpu')


@pytest.fixture
def tool(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    return load_tool('finetune_on_my_labels')


@pytest.fixture
def tiny_base(tmp_path: Path) -> str:
    path = tmp_path / 'tiny_base.py'
    model = BASES / 'models' / 'mini_cells_cascade-mask-rcnn_r18_fpn.py'
    runtime = BASES / 'iter_runtime.py'
    path.write_text(
        TINY_BASE.format(model=model.as_posix(), runtime=runtime.as_posix())
    )
    return str(path)


def _error(tool: ModuleType, capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        tool.main([str(one) for one in arguments])
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_trains_scores_and_resumes(tool, tiny_base, tmp_path, capsys):
    source = write_labelled(tmp_path / 'labels', images=3)
    out = tmp_path / 'out'
    tool.main(
        [str(source), str(out), '--base-config', tiny_base, *QUICK]
        + ['--iterations', '2', '--batch-size', '1']
    )
    said = capsys.readouterr().out
    assert 'train 2 images with 18 cells, val 1 images with 9 cells' in said
    assert 'random weights (scratch)' in said
    assert f'tools/predict.py {out}/config.py {out}/model.pth' in said
    result = json.loads((out / 'result.json').read_text())
    assert f'--score-thr {result["score_thr"]:g}' in said
    assert result['score_thr'] in THRESHOLDS
    assert set(result['scores']) == {
        'AP_segm',
        'AP50_segm',
        'AP_bbox',
        'F1 at IoU 0.5',
        'F1 at IoU 0.75',
    }
    assert (result['scored_images'], result['scored_cells']) == (1, 9)
    assert result['chosen_on_same_part']
    assert result['iterations'] == 2
    best = read_checkpoint(out / 'run' / result['best_checkpoint'])
    kept = read_checkpoint(out / 'model.pth')
    name = 'backbone.conv1.weight'
    assert kept['state_dict'][name].equal(best['state_dict'][name])

    tool.main([str(source), str(out), '--resume', *QUICK])
    assert 'nothing is trained' in capsys.readouterr().out

    (out / 'result.json').unlink()
    config = out / 'config.py'
    text = config.read_text()
    assert 'max_iters=2,' in text
    config.write_text(text.replace('max_iters=2,', 'max_iters=3,'))
    tool.main([str(source), str(out), '--resume', *QUICK])
    assert 'iteration 2' in capsys.readouterr().out
    assert json.loads((out / 'result.json').read_text())['iterations'] == 3


def test_dry_run_of_one_image_writes_a_config_that_builds(
    tool, tmp_path, capsys
):
    source = write_labelled(tmp_path / 'labels', 1, side=128, rows=4)
    out = tmp_path / 'out'
    tool.main([str(source), str(out), '--size', 'mini', '--dry-run', *QUICK])
    said = capsys.readouterr().out
    assert 'each is cut across its longer side' in said
    assert 'all labelled cells are in one image' in said
    assert 'Nothing is trained' in said
    assert not (out / 'run').exists()
    config = Config.fromfile(out / 'config.py')
    init_default_scope('mmdet')
    assert MODELS.build(config.model).with_mask


def test_labels_without_a_cell(tool, tmp_path, capsys):
    source = write_labelled(tmp_path / 'labels', images=2)
    for number in range(2):
        tifffile.imwrite(
            source / f'field{number}_masks.tif', np.zeros((96, 96), np.uint16)
        )
    said = _error(tool, capsys, source, tmp_path / 'out', '--dry-run')
    assert '0 labelled cells in 2 image(s) are too few' in said


def test_folder_that_does_not_exist(tool, tmp_path, capsys):
    said = _error(tool, capsys, tmp_path / 'none', tmp_path / 'out')
    assert str(tmp_path / 'none') in said


def test_folder_of_images_alone(tool, tmp_path, capsys):
    source = write_labelled(tmp_path / 'labels', images=1)
    (source / 'field0_masks.tif').unlink()
    said = _error(tool, capsys, source, tmp_path / 'out')
    assert 'no image with a label of its name' in said


def test_resume_of_nothing(tool, tmp_path, capsys):
    said = _error(tool, capsys, tmp_path, tmp_path / 'out', '--resume')
    assert 'nothing to resume' in said


def test_checkpoint_of_another_size(tool, tmp_path, capsys):
    source = write_labelled(tmp_path / 'labels', images=3)
    path = tmp_path / 'full.pth'
    weight = torch.zeros(512, 1, 1, 1)
    torch.save(
        {'state_dict': {'backbone.layer2.0.conv3.weight': weight}}, path
    )
    said = _error(
        tool, capsys, source, tmp_path / 'out',
        '--checkpoint', path, '--size', 'mini',
    )  # fmt: skip
    assert 'is of the full model' in said
