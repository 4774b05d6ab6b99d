"""The config file of a fine-tuning, to be read and changed by people."""

import os
from collections.abc import Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from cupre_mm.utils.own_labels.base_configs import BaseConfig
from cupre_mm.utils.own_labels.held_out_part import HeldOut
from cupre_mm.utils.own_labels.starting_point import StartingPoint
from cupre_mm.utils.own_labels.training_plan import (
    JITTER,
    PATIENCE,
    TrainingPlan,
)

# What the best checkpoint is chosen by.
MONITOR = 'coco/segm_mAP'
MIN_GAIN = 0.002
_WRAPPERS = {
    False: "'OptimWrapper',",
    True: "'cupre_mm.BFloat16OptimWrapper',  # this CPU is faster in it",
}
_TOP = """\
# Fine-tuning on {cells} cells of {source}, written by
# tools/finetune_on_my_labels.py. A normal config: change it, then
#   python tools/finetune_on_my_labels.py ... --resume     goes on with it,
#   python tools/train.py and tools/test.py                take it as well.
# Start: {kind}.
# Held out: {counts}.
_base_ = {bases}

classes = {classes}
# Typical diameter of the labelled cells at the network's input: {diameter} px
# in the images (median) x {factor}. CellSegmenter's diameter goes by it.
cell_diameter = {cell_diameter}
load_from = {load_from}
work_dir = '{{{{ fileDirname }}}}/run'
data_root = '{{{{ fileDirname }}}}/data/'

model = dict(
    # Of the scales tried, {anchor_note}: {uncovered:.1%} of the cells have no
    # anchor of an IoU that is ever trained as positive.
    rpn_head=dict(anchor_generator=dict(scales={scales})),{heads}
)
"""
_DATA = """
train_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # {factor} and a quarter more and less, as cells differ.
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='Resize', scale_factor=factor, keep_ratio=True)]
            for factor in {factors}
        ],
    ),
    dict(
        type='RandomCrop',
        crop_size=({crop}, {crop}),
        crop_type='absolute',
        allow_negative_crop=True,
    ),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='cupre_mm.LoadCellImage'),
    dict(type='cupre_mm.PercentileNormalize'),
    dict(type='Resize', scale_factor={scale_factor}, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
        ),
    ),
]
train_dataloader = dict({delete_train}
    batch_size={batch_size},
    num_workers={workers},
    persistent_workers={persistent},
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(
        type='cupre_mm.CheckedCocoDataset',
        data_root=data_root,
        ann_file='{train}',
        data_prefix=dict(img='{images}/'),
        metainfo=dict(classes=classes),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
"""
_EVALUATION = """\
# {{note}}
{part}_dataloader = dict({{delete_{part}}}
    batch_size=1,
    num_workers={{workers}},
    persistent_workers={{persistent}},
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='cupre_mm.CheckedCocoDataset',
        data_root=data_root,
        ann_file='{{file}}',
        data_prefix=dict(img='{{images}}/'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
{part}_evaluator = dict({{delete_{part}_evaluator}}
    type='cupre_mm.CellMetric',
    ann_file=data_root + '{{file}}',
    metric=['bbox', 'segm'],
    cell_scores=dict(score_thr=0.5),
)
"""
_SCHEDULE = """
# At most; by the root of the number of cells.
train_cfg = dict({delete_train_cfg}
    type='cupre_mm.ResumableTrainLoop',
    max_iters={iterations},
    val_interval={val_interval},
)
val_cfg = dict({delete_val_cfg} type='cupre_mm.UndisturbedValLoop')
test_cfg = dict({delete_test_cfg} type='TestLoop')
optim_wrapper = dict({delete_optim}
    type={wrapper}
    optimizer=dict(type='AdamW', lr={learning_rate}, weight_decay=0.05),
    clip_grad=dict(max_norm=10, norm_type=2),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=False,
        begin=0,
        end={warmup},
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin={warmup},
        end={iterations},
        T_max={decay},
        eta_min_ratio=0.05,
    ),
]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=10, log_metric_by_epoch=False),
    checkpoint=dict(
        type='cupre_mm.WholeCheckpointHook',
        by_epoch=False,
        interval={val_interval},
        max_keep_ckpts=1,
        save_best='{monitor}',
        rule='greater',
    ),
)
custom_hooks = [
    dict(type='cupre_mm.CheckpointReportHook'),
    # Its count of validations without a gain begins anew on --resume.
    dict(
        type='EarlyStoppingHook',
        monitor='{monitor}',
        rule='greater',
        min_delta={min_gain},
        patience={patience},
    ),
]
log_processor = dict(by_epoch=False, window_size=10)
randomness = dict(seed={seed})
"""


def write_config_text(
    folder: Path,
    source: str | Path,
    plan: TrainingPlan,
    held_out: HeldOut,
    start: StartingPoint,
    base: BaseConfig,
    seed: int = 0,
) -> str:
    """Write the text of a fine-tuning's config.

    Args:
        folder (Path): Folder that the file is for; ``_base_`` is relative to
            it, as are the data.
        source (str | Path): The labelled folder, for the comment.
        plan (TrainingPlan): Numbers.
        held_out (HeldOut): The parts.
        start (StartingPoint): Weights to start from.
        base (BaseConfig): What is inherited.
        seed (int): Seed of the run. Defaults to 0.

    Returns:
        str: The text.
    """
    given = base.values
    scales = [_plain(scale) for scale in plan.anchor_scales]
    before = given['model'].get('rpn_head', {})
    before = before.get('anchor_generator', {}).get('scales')
    same = list(before or []) == scales
    warmup = max(1, plan.iterations // 10)
    values = dict(
        cells=plan.cells,
        source=Path(source).name,
        kind=start.kind,
        counts='; '.join(
            f'{part} {images} images, {cells} cells'
            for part, (images, cells) in held_out.counts.items()
        ),
        bases=_list([_relative(file, folder) for file in base.files]),
        classes=_literal(tuple(plan.classes)),
        diameter=plan.diameter,
        factor=_plain(plan.factor),
        # mmcv refuses whole numbers here.
        scale_factor=repr(float(_plain(plan.factor))),
        cell_diameter=plan.cell_diameter,
        load_from=_literal(str(start.path) if start.path else None),
        anchor_note=(
            "the base model's fit well enough" if same else 'these fit best'
        ),
        uncovered=plan.uncovered,
        scales=_literal(scales),
        heads=_heads(given['model'], len(plan.classes)),
        factors=_literal(
            tuple(float(f'{plan.factor * by:.3g}') for by in JITTER)
        ),
        crop=plan.crop,
        batch_size=plan.batch_size,
        workers=plan.workers,
        persistent=plan.workers > 0,
        train=held_out.train,
        images=held_out.images,
        iterations=plan.iterations,
        val_interval=plan.val_interval,
        learning_rate=plan.learning_rate,
        wrapper=_WRAPPERS[plan.bfloat16],
        warmup=warmup,
        decay=max(1, plan.iterations - warmup),
        monitor=MONITOR,
        min_gain=MIN_GAIN,
        patience=PATIENCE,
        seed=seed,
        **_deletions(given),
    )
    parts = (
        _TOP.format(**values),
        _DATA.format(**values),
        _evaluation(
            'val',
            held_out.val,
            'Chooses the checkpoint and when to stop.',
            values,
        ),
        _evaluation(
            'test',
            held_out.report,
            'Nothing is chosen on it: the scores at the end are of it.'
            if held_out.test
            else 'There is no test part: the same as val.',
            values,
        ),
        _SCHEDULE.format(**values),
    )
    return ''.join(part.replace('dict( ', 'dict(') for part in parts)


def _evaluation(
    part: str, file: str, note: str, values: Mapping[str, Any]
) -> str:
    """Loader and evaluator of a part: ``val`` or ``test``."""
    text = _EVALUATION.format(part=part)
    return text.format(file=file, note=note, **values)


def _deletions(given: Mapping[str, Any]) -> dict[str, str]:
    """``_delete_`` where the base has a value, which would shine through."""
    keys = {
        'delete_train': 'train_dataloader',
        'delete_val': 'val_dataloader',
        'delete_val_evaluator': 'val_evaluator',
        'delete_test': 'test_dataloader',
        'delete_test_evaluator': 'test_evaluator',
        'delete_train_cfg': 'train_cfg',
        'delete_val_cfg': 'val_cfg',
        'delete_test_cfg': 'test_cfg',
        'delete_optim': 'optim_wrapper',
    }
    return {
        name: '_delete_=True,' if key in given else ''
        for name, key in keys.items()
    }


def _heads(model: Mapping[str, Any], classes: int) -> str:
    """Heads for another number of classes than the base model's."""
    roi_head = model.get('roi_head') or {}
    heads = roi_head.get('bbox_head') or []
    several = isinstance(heads, (list, tuple))
    heads = list(heads) if several else [heads]
    if not heads or all(one.get('num_classes') == classes for one in heads):
        return ''
    changed = [{**one, 'num_classes': classes} for one in heads]
    text = pformat(
        changed if several else changed[0], width=70, sort_dicts=False
    )
    lines = text.replace('\n', '\n        ')
    return (
        f'\n    roi_head=dict(\n        bbox_head={lines},\n'
        f'        mask_head=dict(num_classes={classes}),\n    ),'
    )


def _list(values: list[str]) -> str:
    return ''.join(['[\n', *(f'    {value!r},\n' for value in values), ']'])


def _relative(file: Path, folder: Path) -> str:
    return Path(os.path.relpath(file, folder.absolute())).as_posix()


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number


def _literal(value: Any) -> str:
    return pformat(value, width=70, compact=True)
