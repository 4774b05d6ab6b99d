import dataclasses
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from cupre_mm.registry import MODELS
from cupre_mm.utils.own_labels.base_configs import read_base
from cupre_mm.utils.own_labels.config_text import write_config_text
from cupre_mm.utils.own_labels.held_out_part import HeldOut
from cupre_mm.utils.own_labels.starting_point import StartingPoint
from cupre_mm.utils.own_labels.training_plan import TrainingPlan

PLAN = TrainingPlan(
    size='mini', device='cpu', classes=('cell',), cells=400, diameter=12.0,
    factor=2.0, anchor_scales=(3.0,), uncovered=0.012, crop=256,
    batch_size=4, iterations=200, val_interval=20, learning_rate=0.0003,
    workers=2,
)  # fmt: skip
HELD = HeldOut(
    'a rule', 'images', 'splits/train_100.json', 'splits/val.json',
    'splits/test.json', {'train': (8, 400)},
)  # fmt: skip
SCRATCH = StartingPoint(None, 'random weights', None)


def _load(folder: Path, plan=PLAN, held=HELD, start=SCRATCH, base=None):
    base = base or read_base('mini', None)
    text = write_config_text(folder, 'labels', plan, held, start, base, 5)
    (folder / 'config.py').write_text(text)
    return Config.fromfile(folder / 'config.py')


def test_values_of_the_plan_are_in_the_config(tmp_path):
    config = _load(tmp_path)
    assert config.cell_diameter == 24.0
    assert config.load_from is None
    anchors = config.model.rpn_head.anchor_generator
    assert (anchors.scales, anchors.strides) == ([3], [4, 8, 16, 32, 64])
    resizes = config.train_pipeline[3].transforms
    assert [one[0].scale_factor for one in resizes] == [1.6, 2.0, 2.5]
    assert config.test_pipeline[2].scale_factor == 2
    assert config.train_pipeline[4].crop_size == (256, 256)
    assert config.train_dataloader.batch_size == 4
    assert config.train_cfg.max_iters == 200
    assert config.randomness.seed == 5
    early = config.custom_hooks[1]
    saved = config.default_hooks.checkpoint
    assert early.monitor == saved.save_best == 'coco/segm_mAP'
    assert config.default_hooks.safe_stop.type == 'cupre_mm.SafeStopHook'


def test_bfloat16_chooses_its_optimizer_wrapper(tmp_path):
    assert _load(tmp_path).optim_wrapper.type == 'OptimWrapper'
    plan = dataclasses.replace(PLAN, bfloat16=True)
    wrapper = _load(tmp_path, plan).optim_wrapper
    assert wrapper.type == 'cupre_mm.BFloat16OptimWrapper'
    assert wrapper.optimizer.lr == 0.0003


def test_paths_go_with_the_folder(tmp_path):
    config = _load(tmp_path)
    assert config.work_dir == f'{tmp_path}/run'
    assert config.test_evaluator.ann_file == (
        f'{tmp_path}/data/splits/test.json'
    )
    assert config.val_evaluator.ann_file == f'{tmp_path}/data/splits/val.json'


def test_without_a_test_part_the_scores_are_of_val(tmp_path):
    held = dataclasses.replace(HELD, test=None)
    config = _load(tmp_path, held=held)
    assert config.test_dataloader.dataset.ann_file == 'splits/val.json'


def test_checkpoint_is_loaded(tmp_path):
    path = tmp_path / "it's.pth"
    config = _load(tmp_path, start=StartingPoint(path, 'AMT2', 'mini'))
    assert config.load_from == str(path)


@pytest.mark.parametrize('classes', [('cell',), ('round', 'long')])
def test_model_builds_with_heads_for_the_classes(tmp_path, classes):
    plan = dataclasses.replace(PLAN, classes=classes)
    config = _load(tmp_path, plan)
    init_default_scope('mmdet')
    model = MODELS.build(config.model)
    for head in model.roi_head.bbox_head:
        assert head.num_classes == len(classes)
    assert model.roi_head.mask_head[0].num_classes == len(classes)
    assert config.train_dataloader.dataset.metainfo.classes == classes


def test_nothing_of_a_base_configs_own_data_shines_through(tmp_path):
    folder = read_base('mini', None).files[0].parents[2]
    base = read_base('mini', folder / 'demo' / 'finetune_scratch_demo.py')
    config = _load(tmp_path, base=base)
    assert 'how_to_get' not in config.train_dataloader.dataset
    assert config.optim_wrapper.optimizer.lr == 0.0003
    assert config.train_cfg.val_interval == 20
    assert config.test_dataloader.dataset.ann_file == 'splits/test.json'
