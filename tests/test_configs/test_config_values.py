"""What configs say, and how they are inherited and changed."""

import argparse
import copy
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from cupre_mm.registry import MODELS
from cupre_mm.utils.cli import add_run_arguments, load_config
from cupre_mm.utils.dataset_inspection.anchor_coverage import (
    grid_of_model,
    shape_coverage,
)
from tests.test_configs.config_differences import differences
from tests.test_configs.conftest import ARMS, CONFIGS, PATHS, finetuning

FINETUNING = [
    path
    for path in PATHS
    if 'finetune' in path.parts or path.stem.startswith('finetune')
]


def annotation_files(config: Config) -> dict[str, str]:
    """Where each part's labels are from, under the set's own root."""
    found = {}
    for part in ('train', 'val', 'test'):
        for kind in ('dataloader', 'evaluator'):
            value = config.get(f'{part}_{kind}')
            if value:
                file = value.get('dataset', value)['ann_file']
                found[f'{part} {kind}'] = file.removeprefix(config.data_root)
    return found


@pytest.mark.parametrize('path', FINETUNING, ids=lambda path: path.stem)
def test_two_variables_choose_the_splits(path, configs, monkeypatch):
    monkeypatch.setenv('CUPRE_SPLITS', 'annotations/paper/seed7')
    monkeypatch.setenv('CUPRE_TRAIN_SPLIT', 'train_10shots')
    default = annotation_files(configs[path])
    chosen = annotation_files(Config.fromfile(path))
    share = default.pop('train dataloader')
    assert share.startswith('annotations/seed0/train_')
    assert chosen.pop('train dataloader') == (
        'annotations/paper/seed7/train_10shots.json'
    )
    for part, file in default.items():
        # LIVECell brings its own validation and test files.
        own = 'livecell' in path.stem
        assert file.startswith('annotations/seed0/') is not own
        assert chosen[part] == file.replace('/seed0/', '/paper/seed7/')


def test_the_folder_of_splits_alone_keeps_the_share(monkeypatch):
    monkeypatch.setenv('CUPRE_SPLITS', 'annotations/seed1')
    monkeypatch.delenv('CUPRE_TRAIN_SPLIT', raising=False)
    for data in ('bbbc038', 'livecell'):
        name = finetuning('scratch', 20, data)
        config = Config.fromfile(CONFIGS / 'finetune' / data / f'{name}.py')
        assert config.train_dataloader.dataset.ann_file == (
            'annotations/seed1/train_20.json'
        )


def test_amt2_is_the_method_as_published(named):
    config = named['amt2']
    assert config.model.type == 'cupre_mm.AMT2CascadeRCNN'
    assert config.train_cfg.type == 'cupre_mm.AMT2TrainLoop'
    assert config.train_cfg.schedule == ('moco', 'det')
    assert config.train_cfg.warmup_iters == 0
    # Each task leaves parameters without gradient.
    assert config.find_unused_parameters is True
    # With mmdet's frozen batch norm contrast could not teach early layers.
    assert config.model.backbone.frozen_stages == -1
    assert config.model.backbone.norm_eval is False
    assert config.model.moco.momentum == 0.001
    assert config.model.moco.loss.temperature == 0.2
    assert 'cascade_mask_rcnn_r50_fpn_1x_coco' in config.load_from
    hooks = {hook.type for hook in config.custom_hooks}
    assert 'cupre_mm.ExportDetectorHook' in hooks
    assert config.auto_scale_lr.base_batch_size == (
        8 * config.train_dataloader.det.batch_size
    )


def test_coco_images_keep_the_preprocessing_of_mmdet(named):
    init_default_scope('mmdet')
    base = Config.fromfile(CONFIGS / '_base_/finetune_bbbc038.py')
    stock = base.model.data_preprocessor
    for name in ('amt2', 'amt2_mini', 'amt2_demo'):
        config = named[name]
        assert config.model.data_preprocessor.det == stock
        built = MODELS.build(config.model.data_preprocessor)
        assert type(built.tasks['det']) is DetDataPreprocessor
        views = config.model.data_preprocessor.moco
        for key in ('mean', 'std', 'bgr_to_rgb'):
            assert views[key] == stock[key]
        types = steps_of(config.train_dataloader.det.dataset)
        assert 'cupre_mm.PercentileNormalize' not in types


def test_figures_of_the_contrast_are_logged_as_means(named):
    for name in ('amt2', 'amt2_mini'):
        pattern = named[name].log_processor.mean_pattern
        for key in ('train/moco/acc_top1', 'train/moco/pos_sim', 'train/loss'):
            assert re.search(pattern, key)
        assert not re.search(pattern, 'train/lr')


def steps_of(dataset: Mapping) -> list[str]:
    return [step['type'] for step in dataset['pipeline']]


def cell_datasets(config: Config) -> list[Mapping]:
    # Of two tasks only the contrastive one has cells; val is COCO's, if any.
    parts = (
        ('test',)
        if 'schedule' in config.train_cfg
        else (
            'train',
            'val',
            'test',
        )
    )
    loaders = [config.get(f'{part}_dataloader') for part in parts]
    loaders.append((config.train_dataloader or {}).get('moco'))
    return [one.dataset for one in loaders if one and 'dataset' in one]


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_cells_are_normalised_alike_in_training_and_test(path, configs):
    datasets = cell_datasets(configs[path])
    found = {
        tuple(
            tuple(step.items())
            for step in dataset.pipeline
            if step['type'] == 'cupre_mm.PercentileNormalize'
        )
        for dataset in datasets
    }
    if 'no-normalization' in path.stem:
        assert found == {()}
    elif datasets:
        assert found == {((('type', 'cupre_mm.PercentileNormalize'),),)}
    for dataset in datasets:
        types = steps_of(dataset)
        loads = {'cupre_mm.LoadCellImage', 'LoadImageFromFile'}
        assert types[0] in loads
        if found != {()}:
            assert types[:2] == [
                'cupre_mm.LoadCellImage',
                'cupre_mm.PercentileNormalize',
            ]


def batch_of(height: int, width: int) -> dict[str, list]:
    size = (height, width)
    sample = DetDataSample(
        metainfo=dict(
            img_id=0, img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)
        )
    )
    image = torch.full((3, height, width), 200, dtype=torch.uint8)
    return dict(inputs=[image], data_samples=[sample])


@pytest.mark.parametrize(
    ('name', 'is_padded'),
    [
        ('finetune_scratch_demo', False),
        ('finetune_amt2_mini', False),
        ('finetune_mask-rcnn_mini', False),
        ('finetune_swin-t_mini', False),
        ('finetune_convnext-t_mini', True),
        ('finetune_rtmdet-ins_mini', True),
    ],
)
def test_small_models_take_images_of_any_size_padded_if_they_must(
    named, name, is_padded
):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    config = copy.deepcopy(named[name].model)
    model = MODELS.build(config).eval()
    for size in ((1, 1), (33, 7), (65, 90)):
        inputs = model.data_preprocessor(batch_of(*size))['inputs']
        assert (inputs.shape[2:] != size) is is_padded
        with torch.no_grad():
            (found,) = model.test_step(batch_of(*size))
        # Codes, or RTMDet's pixels.
        sizes = {
            tuple(mask['size'] if isinstance(mask, dict) else mask.shape)
            for mask in found.pred_instances.masks
        }
        assert sizes <= {size}


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_no_image_of_a_test_part_is_pretrained_on(path, configs):
    loader = configs[path].train_dataloader
    if not loader.get('moco'):
        return
    paths = [source['paths'] for source in loader.moco.dataset.sources]
    # Folders of these hold images of their test parts too.
    for folder in ('bbbc038', 'livecell', 'cells_labelled'):
        named = [path for path in paths if folder in path]
        assert all(path.endswith('_train.txt') for path in named)
    allowed = 'in-domain' in path.stem
    assert any('bbbc038' in path for path in paths) is allowed


def last_checkpoint_of(path: Path, config: Config) -> str:
    """Where train.py leaves the result of a config, by the walkthrough."""
    folder = path.parent.name if path.parent.name in ('mini', 'demo') else ''
    name = Path('work_dirs', folder, path.stem)
    return f'{name.as_posix()}/iter_{config.train_cfg.max_iters}.pth'


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_starting_weights_are_the_result_of_another_config(path, configs):
    start = configs[path].load_from
    if start is None or '://' in start:
        return
    results = {last_checkpoint_of(p, c): p for p, c in configs.items()}
    assert start in results
    trains = configs[results[start]].train_cfg.type
    assert trains == 'cupre_mm.AMT2TrainLoop'


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_learning_rate_schedule_ends_with_the_training(path, configs):
    config = configs[path]
    length = config.train_cfg.max_iters
    for scheduler in config.param_scheduler:
        assert scheduler.by_epoch is False
        assert scheduler.begin < scheduler.end <= length
        assert all(m < length for m in scheduler.get('milestones', ()))
    assert config.default_hooks.checkpoint.by_epoch is False


def rpn_shapes(model: Mapping) -> dict[str, torch.Size]:
    init_default_scope('mmdet')
    with torch.device('meta'):
        # Detectors write into the config that they are built of.
        built = MODELS.build(copy.deepcopy(model))
    return {k: v.shape for k, v in built.rpn_head.state_dict().items()}


@pytest.mark.parametrize('data', ['livecell', 'bbbc038'])
def test_region_proposal_weights_of_pretraining_load(named, data):
    tuned = named[finetuning('amt2', 5, data)].model
    assert rpn_shapes(tuned) == rpn_shapes(named['amt2'].model)


@pytest.mark.parametrize(
    ('data', 'sides'),
    [
        ('livecell', [8, 16, 32, 64, 128]),
        ('bbbc038', [12, 24, 48, 96, 192]),
    ],
)
def test_anchors_are_those_chosen_for_the_data(named, data, sides):
    for arm in ARMS:
        model = named[finetuning(arm, 5, data)].model
        assert grid_of_model(model).sides == sides


def test_livecell_anchors_miss_no_shape_that_its_own_recipe_covers(named):
    model = named[finetuning('amt2', 5, 'livecell')].model
    rows = shape_coverage(grid_of_model(model))
    covered = [row for row in rows if 6 <= row['side'] <= 128]
    assert len(covered) > 20
    assert all(row['uncovered'] == 0 for row in covered)


def test_livecell_has_room_for_3000_cells(named):
    config = named[finetuning('amt2', 5, 'livecell')]
    train, test = config.model.train_cfg, config.model.test_cfg
    assert train.rpn_proposal.nms_pre == 12000
    assert train.rpn_proposal.max_per_img == 3000
    assert (test.rpn.nms_pre, test.rpn.max_per_img) == (6000, 3000)
    assert test.rcnn.max_per_img == 3000
    steps = {
        step['type']: step for step in config.train_dataloader.dataset.pipeline
    }
    assert steps['RandomCrop']['crop_size'] == (512, 512)
    edges = [edge for _, edge in steps['RandomChoiceResize']['scales']]
    assert (min(edges), max(edges)) == (440, 620)


def test_child_changes_one_value_by_inheritance(tmp_path, named):
    child = tmp_path / 'my_queue.py'
    child.write_text(
        f"_base_ = '{(CONFIGS / 'amt2.py').as_posix()}'\n"
        'model = dict(moco=dict(queue=dict(length=128)))\n'
    )
    config = Config.fromfile(child)
    # The data root comes from the environment, which differs here.
    config.train_dataloader = named['amt2'].train_dataloader
    assert differences(config, named['amt2']) == {'model.moco.queue.length'}
    assert config.model.moco.queue.length == 128


def test_config_options_change_nested_values():
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    arguments = parser.parse_args(
        [
            str(CONFIGS / 'amt2.py'),
            '--cfg-options',
            'train_dataloader.moco.batch_size=8',
            'train_dataloader.moco.dataset.sources.0.name=mine',
            "train_cfg.schedule=('det','moco','moco')",
            'model.moco.neck.stages=(-2,-1)',
            'load_from=None',
        ]
    )
    config = load_config(arguments)
    assert config.train_dataloader.moco.batch_size == 8
    assert config.train_dataloader.moco.dataset.sources[0].name == 'mine'
    assert tuple(config.train_cfg.schedule) == ('det', 'moco', 'moco')
    assert tuple(config.model.moco.neck.stages) == (-2, -1)
    assert config.load_from is None
    # Beside the changed values the others stay.
    assert config.train_dataloader.det.batch_size == 2
    assert config.train_cfg.max_iters == 90000


def test_data_root_follows_the_environment(tmp_path, monkeypatch):
    path = CONFIGS / 'mini' / 'amt2_mini.py'
    monkeypatch.setenv('CUPRE_DATA', str(tmp_path))
    there = Config.fromfile(path).train_dataloader
    assert Path(there.det.dataset.data_root) == tmp_path / 'coco_mini'
    assert Path(there.moco.dataset.data_root) == tmp_path
    monkeypatch.delenv('CUPRE_DATA')
    here = Config.fromfile(path).train_dataloader
    assert Path(here.det.dataset.data_root) == Path('data/coco_mini')
