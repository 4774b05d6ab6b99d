"""AMT2 at the smallest size that still has every part, on demo data.

The model is that of configs/mini with narrower layers: a ResNet-18 of 8
channels, an FPN of 16 and 16 RoIs an image train in a few tenths of a second.
"""

import functools
import itertools
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from cupre_mm.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]
BASE = ROOT / 'configs/_base_/models/mini_amt2_cascade-mask-rcnn_r18_fpn.py'
CLASSES = tuple(
    f'{texture} {shape}'
    for shape in ('star', 'ring', 'blob', 'triangle', 'leaf')
    for texture in ('striped', 'dotted', 'checked', 'marbled')
)
QUEUE_LENGTH = 12
KEY_DIM = 16
SGD = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.01),
    clip_grad=dict(max_norm=35, norm_type=2),
)
TWO_SGD = dict(
    constructor='cupre_mm.TaskOptimWrapperConstructor', moco=SGD, det=SGD
)
_run_number = itertools.count()


@functools.cache
def _base_config() -> Config:
    return Config.fromfile(BASE)


def model_config() -> ConfigDict:
    """Config of a tiny AMT2 Cascade Mask R-CNN of 20 classes."""
    config = deepcopy(_base_config())
    config.merge_from_dict(
        {
            'model.backbone.base_channels': 8,
            'model.neck.in_channels': [8, 16, 32, 64],
            'model.neck.out_channels': 16,
            'model.rpn_head.in_channels': 16,
            'model.rpn_head.feat_channels': 16,
            'model.roi_head.bbox_roi_extractor.out_channels': 16,
            'model.roi_head.mask_roi_extractor.out_channels': 16,
            'model.roi_head.mask_head.in_channels': 16,
            'model.roi_head.mask_head.conv_out_channels': 16,
            'model.roi_head.mask_head.num_classes': len(CLASSES),
            'model.train_cfg.rpn_proposal.nms_pre': 60,
            'model.train_cfg.rpn_proposal.max_per_img': 30,
            # Untrained heads are sure of nothing.
            'model.test_cfg.rcnn.score_thr': 0.0,
            'model.test_cfg.rcnn.max_per_img': 10,
            'model.moco.neck.projector.in_channels': 64,
            'model.moco.neck.projector.hid_channels': 32,
            'model.moco.neck.projector.out_channels': KEY_DIM,
            'model.moco.queue.length': QUEUE_LENGTH,
            'model.moco.queue.dim': KEY_DIM,
        }
    )
    for head in config.model.roi_head.bbox_head:
        head.update(in_channels=16, fc_out_channels=32, num_classes=20)
    for stage in config.model.train_cfg.rcnn:
        stage.sampler.num = 16
    return config.model


def without_queue() -> ConfigDict:
    """Config of a SimSiam branch for the tiny model."""
    layers = dict(
        type='mmpretrain.NonLinearNeck',
        in_channels=64,
        hid_channels=32,
        out_channels=64,
        norm_cfg=dict(type='BN1d'),
    )
    return ConfigDict(
        type='cupre_mm.SimSiamBranch',
        neck=dict(
            type='cupre_mm.MoCoNeck',
            projector=dict(layers, num_layers=3, with_last_bn_affine=False),
        ),
        head=dict(
            type='mmpretrain.LatentPredictHead',
            loss=dict(type='mmpretrain.CosineSimilarityLoss'),
            predictor=dict(
                layers,
                with_avg_pool=False,
                with_last_bn=False,
                with_last_bias=True,
            ),
        ),
    )


def detector_config() -> ConfigDict:
    """Config of the stock mmdet detector with the same detection parts."""
    config = model_config()
    del config['moco']
    config['type'] = 'CascadeRCNN'
    config['data_preprocessor'] = config['data_preprocessor']['det']
    return config


def build_model(config: dict | None = None, seed: int = 0) -> nn.Module:
    """Build a model, by default the AMT2 one, from seeded weights."""
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    model = MODELS.build(config or model_config())
    model.init_weights()
    return model


def reference_moco(seed: int = 1) -> nn.Module:
    """mmpretrain's MoCo with the tiny backbone, projector and queue."""
    config = model_config()
    moco = config['moco']
    # Without a prefix its parts would be looked up in mmdet's scope.
    return build_model(
        dict(
            type='mmpretrain.MoCo',
            data_preprocessor=config['data_preprocessor']['moco'],
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                stem_channels=8,
                base_channels=8,
            ),
            neck=moco['neck']['projector'],
            head=dict(
                type='mmpretrain.ContrastiveHead',
                loss=dict(type='mmpretrain.CrossEntropyLoss'),
                temperature=moco['loss']['temperature'],
            ),
            queue_len=QUEUE_LENGTH,
            feat_dim=KEY_DIM,
            momentum=moco['momentum'],
        ),
        seed,
    )


def random_views(seed: int, batch: int = 4) -> list[torch.Tensor]:
    """Two views of a batch of 8-bit images, each (N, 3, 32, 32)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, batch, 3, 32, 32)
    return list(torch.randint(0, 256, shape, generator=generator).float())


def loader_config(data: Path, num_workers: int = 0) -> dict:
    """Both data loaders on the demo data at 64 px: batches of 4 and 2.

    Data is not serialised: that collects garbage for most of a second.
    """
    view = [
        dict(
            type='mmpretrain.RandomResizedCrop',
            scale=32,
            crop_ratio_range=(0.2, 1.0),
        ),
        dict(type='mmpretrain.RandomFlip', prob=0.5),
    ]
    return dict(
        type='cupre_mm.DualDataLoader',
        moco=dict(
            batch_size=4,
            num_workers=num_workers,
            sampler=dict(type='cupre_mm.SourceSampler'),
            collate_fn=dict(type='default_collate'),
            dataset=dict(
                type='cupre_mm.CellImages',
                data_root=str(data / 'cells_unlabelled'),
                sources=dict(phase='phase', stained='stained'),
                serialize_data=False,
                pipeline=[
                    dict(type='cupre_mm.LoadCellImage'),
                    dict(type='cupre_mm.RandomCellCrop', size=64),
                    dict(
                        type='mmpretrain.MultiView',
                        num_views=2,
                        transforms=[view],
                    ),
                    dict(
                        type='mmpretrain.PackInputs', meta_keys=('img_path',)
                    ),
                ],
            ),
        ),
        det=dict(
            batch_size=2,
            num_workers=num_workers,
            sampler=dict(type='InfiniteSampler'),
            dataset=dict(
                type='cupre_mm.CheckedCocoDataset',
                data_root=str(data / 'natural'),
                ann_file='annotations/instances_train.json',
                data_prefix=dict(img='images/'),
                metainfo=dict(classes=CLASSES),
                serialize_data=False,
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(
                        type='LoadAnnotations', with_bbox=True, with_mask=True
                    ),
                    dict(type='Resize', scale=(64, 64), keep_ratio=False),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackDetInputs'),
                ],
            ),
        ),
    )


def run_config(
    data: Path, work_dir: Path, options: dict[str, Any] | None = None
) -> Config:
    """Config of a whole run.

    Args:
        data (Path): Folder of the demo data.
        work_dir (Path): Work dir of the run.
        options (dict, optional): Values to change, by dotted keys as in
            ``--cfg-options``. Defaults to None.

    Returns:
        Config: The config.
    """
    config = Config(
        dict(
            default_scope='mmdet',
            # mmengine keeps its loggers by this name for the whole process.
            experiment_name=f'tiny_{next(_run_number)}',
            work_dir=str(work_dir),
            model=model_config(),
            train_dataloader=loader_config(data),
            train_cfg=dict(type='cupre_mm.AMT2TrainLoop', max_iters=2),
            optim_wrapper=SGD,
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(
                    type='CheckpointHook', by_epoch=False, interval=1000
                ),
            ),
            custom_hooks=[],
            log_processor=dict(by_epoch=False, window_size=1),
            randomness=dict(seed=7),
            find_unused_parameters=True,
        ),
        # mmengine would format the text five times a run, for longer than
        # this model trains.
        format_python_code=False,
    )
    config.merge_from_dict(options or {})
    return config


class BatchRecorder(Hook):
    """Keeps the image paths of every batch that reaches the loop."""

    def __init__(self) -> None:
        self.iterations: list[dict[str, list[list[str]]]] = []
        self.outputs: list[dict] = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict
    ) -> None:
        self.iterations.append(
            {
                task: [
                    [Path(s.img_path).name for s in batch['data_samples']]
                    for batch in batches
                ]
                for task, batches in data_batch.items()
            }
        )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        self.outputs.append(dict(outputs))


def train(config: Config, *hooks: Hook) -> tuple[Runner, BatchRecorder]:
    """Train as a config says, and keep what the batches were.

    Args:
        config (Config): Config of the run.
        *hooks (Hook): Further hooks; those in the config would be copied.

    Returns:
        tuple[Runner, BatchRecorder]: The runner and what it saw.
    """
    runner = Runner.from_cfg(config)
    recorder = BatchRecorder()
    for hook in (recorder, *hooks):
        runner.register_hook(hook)
    runner.train()
    # Lets the workers go at once. The garbage collector closes their queues
    # first, and torch then waits five seconds for each.
    runner.train_loop.dataloader_iterator._iterator = None
    return runner, recorder


def log_of(runner: Runner) -> str:
    """The log file of a run."""
    return Path(runner._log_dir, f'{runner.timestamp}.log').read_text()


def weights_of(model: nn.Module, *prefixes: str) -> dict[str, torch.Tensor]:
    """A copy of a model's state, or of what begins with some names."""
    return {
        name: value.clone()
        for name, value in model.state_dict().items()
        if name.startswith(prefixes or ('',))
    }


def changed(
    before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]
) -> set[str]:
    """Names of tensors that are not bit-identical."""
    assert before.keys() == after.keys()
    return {name for name in before if not before[name].equal(after[name])}
