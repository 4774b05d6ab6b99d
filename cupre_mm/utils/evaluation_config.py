"""What the tools read from, and change in, the testing part of a config."""

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.config import Config, ConfigDict

from cupre_mm.utils.errors import BadConfigError

# Boxes of flipped views that overlap more are one object.
_TTA_IOU = 0.5


def set_detector_limit(config: Config) -> None:
    """Tell each ``CellMetric`` how many detections an image can have at most.

    Args:
        config (Config): Config of the run, changed in place; a
            ``detector_limit`` that it gives stays.
    """
    limit = detector_limit_of(config)
    for name in ('val_evaluator', 'test_evaluator'):
        for evaluator in _dicts(config.get(name) or []):
            kind = str(evaluator.get('type', ''))
            if limit is not None and kind.rpartition('.')[2] == 'CellMetric':
                evaluator.setdefault('detector_limit', limit)


def detector_limit_of(config: Config) -> int | None:
    """Find ``max_per_img`` of a model.

    Args:
        config (Config): Config of the run.

    Returns:
        int, optional: Most detections of an image; None if not limited.
    """
    test_cfg = config.model.get('test_cfg') or {}
    return (test_cfg.get('rcnn') or test_cfg).get('max_per_img')


def enable_tta(config: Config) -> None:
    """Wrap the model so that it merges boxes of flipped views.

    A config without ``tta_model`` or ``tta_pipeline`` gets a horizontal
    flip, put in place of the last transform of its test pipeline, and the
    model's own limit on detections.

    Args:
        config (Config): Config of the run, changed in place.

    Raises:
        BadConfigError: If the model predicts masks; mmdet cannot merge them.
    """
    if (config.model.get('roi_head') or {}).get('mask_head'):
        raise BadConfigError(
            '--tta merges boxes only, and this model has a mask head; add '
            '--cfg-options model.roi_head.mask_head=None '
            'test_evaluator.metric=bbox'
        )
    if 'tta_model' not in config:
        nms = {'type': 'nms', 'iou_threshold': _TTA_IOU}
        limit = detector_limit_of(config) or -1
        config.tta_model = {
            'type': 'DetTTAModel',
            'tta_cfg': {'nms': nms, 'max_per_img': limit},
        }
    if 'tta_pipeline' not in config:
        innermost = config.test_dataloader.dataset
        while 'dataset' in innermost:
            innermost = innermost['dataset']
        meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape')
        meta_keys += ('scale_factor', 'flip', 'flip_direction')
        flips = [{'type': 'RandomFlip', 'prob': prob} for prob in (1.0, 0.0)]
        pack = [{'type': 'PackDetInputs', 'meta_keys': meta_keys}]
        config.tta_pipeline = [
            *deepcopy(innermost.pipeline[:-1]),
            {'type': 'TestTimeAug', 'transforms': [flips, pack]},
        ]
    config.model = ConfigDict(**config.tta_model, module=config.model)
    config.test_dataloader.dataset.pipeline = config.tta_pipeline


def ann_files_of(evaluator: Any) -> list[str]:
    """List the annotation files that an evaluator names.

    Args:
        evaluator (dict or list[dict]): Config of the evaluator.

    Returns:
        list[str]: The files.
    """
    return [
        part['ann_file'] for part in _dicts(evaluator) if part.get('ann_file')
    ]


def dataset_type_of(dataset: Mapping) -> str:
    """Name the data set that wrappers such as RepeatDataset hold.

    Args:
        dataset (Mapping): Config of the data set.

    Returns:
        str: Its type.
    """
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return str(dataset['type'])


def local_file_of(ref: str) -> str:
    """Find the file of a checkpoint that was resolved before.

    Args:
        ref (str): A file or a URL.

    Returns:
        str: The file itself, or the one that torch's cache keeps of a URL.
    """
    if '://' not in ref:
        return ref
    name = os.path.basename(urlparse(ref).path)
    return os.path.join(torch.hub.get_dir(), 'checkpoints', name)


def _dicts(evaluator: Any) -> Iterator[Mapping]:
    if isinstance(evaluator, Mapping):
        yield evaluator
    else:
        yield from evaluator
