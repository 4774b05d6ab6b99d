"""Runs of config files of the repository with every width made small.

What a config says of steps, parts, optimizers and sources stays; layers,
images and batches shrink until a step takes a few tenths of a second.
"""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn

from cupre_mm.registry import MODELS

LAST = 64
STAGES = [8, 16, 32, LAST]
LEVEL = 16
_number = itertools.count()


@dataclass
class Step:
    """One optimizer step: its task, what it logged, and the state around."""

    task: str
    losses: dict[str, float]
    before: dict[str, Tensor]
    after: dict[str, Tensor]

    def moved(self, *prefixes: str) -> set[str]:
        """Names of tensors that the step changed, of those so beginning."""
        return {
            name
            for name, value in self.before.items()
            if name.startswith(prefixes or ('',))
            and not value.equal(self.after[name])
        }


@dataclass
class NarrowRun:
    """A run that has ended."""

    config: Config
    runner: Runner
    steps: list[Step] = field(default_factory=list)
    paths: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        return [step.task for step in self.steps]

    def step(self, task: str) -> Step:
        """The first step of a task."""
        return next(step for step in self.steps if step.task == task)


def narrowed(config: Config, folder: Path, iterations: int = 1) -> Config:
    """A copy of a config that trains in no time.

    Args:
        config (Config): A config of the repository, parsed.
        folder (Path): Work dir.
        iterations (int): Length of the run. Defaults to 1.

    Returns:
        Config: The config, without starting weights.
    """
    given = copy.deepcopy(config.to_dict())
    # mmengine would format the text five times a run.
    small = Config(given, format_python_code=False)
    _narrow_model(small.model)
    loaders = small.train_dataloader
    for loader in (loaders.get('moco'), loaders.get('det'), loaders):
        if loader and 'dataset' in loader:
            _narrow_loader(loader)
    small.train_cfg.max_iters = iterations
    small.param_scheduler = []
    small.load_from = None
    small.work_dir = str(folder)
    small.experiment_name = f'narrow_{next(_number)}'
    small.randomness = dict(seed=3)
    return small


def _narrow_model(model: ConfigDict) -> None:
    stages = _narrow_backbone(model.backbone)
    model.neck.update(in_channels=stages, out_channels=LEVEL)
    if 'rpn_head' in model:
        _narrow_two_stages(model)
    else:
        model.bbox_head.update(in_channels=LEVEL, feat_channels=LEVEL)
    if 'moco' not in model:
        return
    width = 4 * LEVEL if 'contrast_on' in model else stages[-1]
    neck = model.moco.neck.get('projector', model.moco.neck)
    neck['in_channels'] = width
    if 'hid_channels' in neck:
        neck['hid_channels'] = 32
    if 'head' in model.moco:
        model.moco.head.predictor.update(
            in_channels=neck['out_channels'],
            out_channels=neck['out_channels'],
            hid_channels=32,
        )


def _narrow_backbone(backbone: ConfigDict) -> list[int]:
    if backbone.type == 'SwinTransformer':
        backbone.update(embed_dims=12, depths=[1, 1, 1, 1])
        return [12, 24, 48, 96]
    if backbone.type == 'mmpretrain.ConvNeXt':
        backbone.arch = dict(depths=[1, 1, 1, 1], channels=STAGES)
        return STAGES
    if backbone.type == 'CSPNeXt':
        backbone.widen_factor = 0.125
        return [32, 64, 128]
    backbone.base_channels = STAGES[0]
    return STAGES


def _narrow_two_stages(model: ConfigDict) -> None:
    model.rpn_head.update(in_channels=LEVEL, feat_channels=LEVEL)
    roi_head = model.roi_head
    roi_head.bbox_roi_extractor.out_channels = LEVEL
    roi_head.mask_roi_extractor.out_channels = LEVEL
    roi_head.mask_head.update(in_channels=LEVEL, conv_out_channels=LEVEL)
    heads, parts = roi_head.bbox_head, model.train_cfg.rcnn
    for head in heads if isinstance(heads, list) else [heads]:
        head.update(in_channels=LEVEL, fc_out_channels=32)
    for part in parts if isinstance(parts, list) else [parts]:
        part.sampler.num = 16
    model.train_cfg.rpn_proposal.update(nms_pre=60, max_per_img=30)
    model.test_cfg.rpn.update(nms_pre=60, max_per_img=30)


def _narrow_loader(loader: ConfigDict) -> None:
    loader.update(
        num_workers=0,
        persistent_workers=False,
        batch_size=min(loader.batch_size, 4),
    )
    # Serialising collects garbage for most of a second.
    loader.dataset.serialize_data = False
    for transform in _transforms(loader.dataset.pipeline):
        changes = {
            'cupre_mm.RandomCellCrop': dict(size=64),
            'mmpretrain.RandomResizedCrop': dict(scale=64),
            'RandomResize': dict(scale=(96, 96)),
            'RandomCrop': dict(crop_size=(64, 64)),
        }
        transform.update(changes.get(transform['type'], {}))


def _transforms(pipeline: Any) -> list[dict]:
    found = []
    for one in pipeline:
        if isinstance(one, Mapping):
            found += [one, *_transforms(one.get('transforms', ()))]
        else:
            found += _transforms(one)
    return found


def run_steps(config: Config) -> NarrowRun:
    """Train by a narrowed config, and keep each step.

    Args:
        config (Config): A config of :func:`narrowed`.

    Returns:
        NarrowRun: The run.
    """
    runner = Runner.from_cfg(config)
    run = NarrowRun(config, runner)
    model = runner.model
    train_step = model.train_step

    def noted(data: dict, optim_wrapper: Any) -> dict:
        before = state_of(model)
        for task, batch in _batches(data).items():
            run.paths.setdefault(task, []).extend(
                Path(sample.img_path) for sample in batch['data_samples']
            )
        logged = train_step(data, optim_wrapper)
        run.steps.append(
            Step(
                data.get('task', 'det'),
                {name: float(value) for name, value in logged.items()},
                before,
                state_of(model),
            )
        )
        return logged

    model.train_step = noted
    runner.train()
    del model.train_step
    return run


def _batches(data: dict) -> dict[str, dict]:
    task = data.get('task', 'det')
    if '+' in task:
        return {one: data[one] for one in task.split('+')}
    return {task: data}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of a model's state."""
    return {name: one.clone() for name, one in model.state_dict().items()}


def stock_detector(model: Mapping) -> nn.Module:
    """mmdet's own detector with the detection parts of an AMT2 one."""
    config = copy.deepcopy(dict(model))
    for name in ('moco', 'contrast_on'):
        config.pop(name, None)
    config['type'] = config['type'].removeprefix('cupre_mm.AMT2')
    config['data_preprocessor'] = config['data_preprocessor']['det']
    init_default_scope('mmdet')
    torch.manual_seed(1)
    return MODELS.build(config)
