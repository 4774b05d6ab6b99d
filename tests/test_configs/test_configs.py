"""Every config parses, and builds its model and loaders."""

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from cupre_mm import registry
from cupre_mm.datasets import DualDataLoader
from cupre_mm.utils.task_schedule import TaskSchedule
from tests.test_configs.conftest import CONFIGS, PATHS

OWN = {
    name: value
    for name, value in vars(registry).items()
    if isinstance(value, registry.Registry) and value.scope == 'cupre_mm'
}
every_config = pytest.mark.parametrize(
    'path', PATHS, ids=lambda path: path.relative_to(CONFIGS).as_posix()
)


def nodes(value: Any) -> Iterator[Mapping]:
    """All dicts of a config, at any depth."""
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from nodes(part)


def test_there_are_configs_in_every_folder():
    folders = {path.relative_to(CONFIGS).parts[0] for path in PATHS}
    assert folders == {
        'amt2.py',
        'ablations',
        'demo',
        'finetune',
        'mini',
        'pretrain',
    }
    assert len(PATHS) > 55


@every_config
def test_own_types_have_their_scope_and_exist(path, configs):
    own = set()
    for one in OWN.values():
        one.import_from_location()
        own |= set(one.module_dict)
    assert {'AMT2CascadeRCNN', 'CellImages', 'AMT2TrainLoop'} <= own
    config = configs[path]
    assert 'custom_imports' not in config
    types = {
        str(value)
        for node in nodes(config.to_dict())
        for key, value in node.items()
        if key in ('type', 'constructor')
    }
    assert types
    assert {name for name in types if name in own} == set()
    prefixed = {name for name in types if name.startswith('cupre_mm.')}
    assert prefixed
    assert {name.partition('.')[2] for name in prefixed} <= own


@functools.cache
def built_model(text: str) -> torch.nn.Module:
    """Build the model of a config given as text, once for all its users."""
    init_default_scope('mmdet')
    # Without weights in memory a model of full size builds in no time. Rates
    # of stochastic depth are read as numbers, which such tensors have not.
    with pytest.MonkeyPatch.context() as patch, torch.device('meta'):
        patch.setattr(
            torch, 'linspace', functools.partial(torch.linspace, device='cpu')
        )
        return registry.MODELS.build(ConfigDict(ast.literal_eval(text)))


def classifying_heads(model: torch.nn.Module) -> list[torch.nn.Module]:
    """All heads with an output for each class."""
    if not hasattr(model, 'roi_head'):
        return [model.bbox_head]
    found = []
    for head in (model.roi_head.bbox_head, model.roi_head.mask_head):
        found += head if isinstance(head, torch.nn.ModuleList) else [head]
    return found


@every_config
def test_model_builds_and_has_outputs_for_all_classes(path, configs):
    config = configs[path]
    model = built_model(repr(config.model.to_dict()))
    assert type(model).__name__ == config.model.type.rpartition('.')[2]
    assert hasattr(model, 'moco') is ('moco' in config.model)
    heads = classifying_heads(model)
    expected = dict(RTMDet=1, MaskRCNN=2, CascadeRCNN=6)
    assert len(heads) == expected[type(model).__name__.removeprefix('AMT2')]
    (outputs,) = {head.num_classes for head in heads}
    loader = config.train_dataloader
    dataset = (loader.get('det') or loader).get('dataset')
    if dataset is not None:
        classes = (dataset.get('metainfo') or {}).get('classes')
        wanted = {
            'cupre_mm.BBBC038Dataset': 1,
            'cupre_mm.LIVECellDataset': 1,
            'cupre_mm.CheckedCocoDataset': 80,
        }[dataset.type]
        # The demo uses 20 of the 80 outputs in pre-training.
        used = len(classes) if classes else wanted
        assert used == outputs or (used, outputs) == (20, 80)


def in_this_process(loader: ConfigDict) -> dict:
    """A loader config without workers."""
    config = loader.to_dict()
    config.update(num_workers=0, persistent_workers=False)
    return config


@functools.cache
def pretraining_shapes(text: str) -> dict[str, set]:
    """Draw one iteration of a dual loader given as text."""
    init_default_scope('mmdet')
    given = ast.literal_eval(text)
    loader = given['loader']
    del loader['type']
    for task in ('moco', 'det'):
        if loader.get(task) is not None:
            loader[task] = in_this_process(ConfigDict(loader[task]))
    schedule = TaskSchedule(tuple(given['schedule']))
    drawn = next(iter(DualDataLoader(**loader, schedule=schedule, seed=0)))
    shapes: dict[str, set] = {}
    for batch in drawn.get('moco', ()):
        shapes['moco'] = {tuple(view.shape) for view in batch['inputs']}
        assert len(batch['inputs']) == 2
    for batch in drawn.get('det', ()):
        shapes['det'] = {tuple(image.shape) for image in batch['inputs']}
        for sample in batch['data_samples']:
            instances = sample.gt_instances
            assert len(instances.bboxes) == len(instances.masks) > 0
    return shapes


PRETRAINING = [
    path
    for path in PATHS
    if 'finetune' not in path.parts and not path.stem.startswith('finetune')
]


@pytest.mark.parametrize(
    'path', PRETRAINING, ids=lambda path: path.relative_to(CONFIGS).as_posix()
)
def test_pretraining_loaders_draw_what_the_schedule_trains(path, configs):
    config = configs[path]
    schedule = config.train_cfg.schedule
    loader = config.train_dataloader.to_dict()
    if loader.get('moco') and len(loader['moco']['dataset']['sources']) == 1:
        # One source of the demo data has fewer images than a whole batch.
        loader['moco']['batch_size'] = 4
    shapes = pretraining_shapes(repr(dict(loader=loader, schedule=schedule)))
    assert set(shapes) == {t for step in schedule for t in step.split('+')}
    side = 224 if 'mini' not in path.stem and 'demo' not in path.stem else 96
    if 'moco' in shapes:
        batch = loader['moco']['batch_size']
        assert shapes['moco'] == {(batch, 3, side, side)}
    if 'demo' in path.stem:
        assert all(max(shape[1:]) <= 128 for shape in shapes['det'])


@functools.cache
def finetuning_batch(text: str) -> dict:
    """Draw one batch of a loader given as text."""
    init_default_scope('mmdet')
    config = in_this_process(ConfigDict(ast.literal_eval(text)))
    return next(iter(Runner.build_dataloader(config, seed=0)))


FINETUNING = [path for path in PATHS if path not in PRETRAINING]


@pytest.mark.parametrize(
    'path', FINETUNING, ids=lambda path: path.relative_to(CONFIGS).as_posix()
)
@pytest.mark.parametrize('part', ['train', 'val', 'test'])
def test_finetuning_loaders_draw_cells_and_evaluators_build(
    path, part, configs
):
    config: Config = configs[path]
    loader = config.get(f'{part}_dataloader')
    if loader is None:
        # The small runs are tested once, at their end.
        assert part == 'val'
        assert config.val_cfg is None
        assert config.val_evaluator is None
        return
    batch = finetuning_batch(repr(loader.to_dict()))
    assert len(batch['inputs']) == loader.batch_size
    for image, sample in zip(batch['inputs'], batch['data_samples']):
        assert tuple(image.shape[1:]) == sample.img_shape
        instances = sample.gt_instances
        assert len(instances.bboxes) == len(instances.masks)
        assert set(instances.labels.tolist()) <= {0}
    if part == 'train':
        return
    metric = registry.METRICS.build(config[f'{part}_evaluator'])
    assert Path(metric.ann_file).samefile(
        Path(loader.dataset.data_root) / loader.dataset.ann_file
    )
