"""How many detections a model gives an image, at most."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import nn

_LIMITS = ('nms_pre', 'max_per_img')
_HEADS = ('rpn_head', 'roi_head')
_NO_LIMIT = 10**9


def most_detections(model: nn.Module) -> int | None:
    """Tell how many detections a model gives an image at most.

    Args:
        model (nn.Module): An mmdet detector.

    Returns:
        int: None where it has no limit.
    """
    test_cfg = getattr(model, 'test_cfg', None) or {}
    limit = (test_cfg.get('rcnn') or test_cfg).get('max_per_img', -1)
    return limit if limit > 0 else None


def trained_area(config: Config) -> int | None:
    """Find the area of image that a model was trained on at a time.

    Args:
        config (Config): Config of the model.

    Returns:
        int: Square pixels of the ``RandomCrop`` of the training pipeline;
        None where it has none of a fixed size.
    """
    dataset = (config.get('train_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    area = None
    for step in dataset.get('pipeline') or ():
        is_crop = isinstance(step, Mapping) and str(step.get('type')).endswith(
            'RandomCrop'
        )
        if is_crop and step.get('crop_type', 'absolute') == 'absolute':
            size = step['crop_size']
            height, width = (size, size) if isinstance(size, int) else size
            area = height * width
    return area


@contextmanager
def changed_limits(model: nn.Module, limit: int) -> Iterator[None]:
    """Let a model give other numbers of proposals and detections an image.

    Args:
        model (nn.Module): An mmdet detector.
        limit (int): In place of each of its limits.

    Yields:
        None: Nothing; the limits are as before afterwards.
    """
    with _limits(model, lambda before: limit):
        yield


@contextmanager
def scaled_limits(model: nn.Module, factor: float) -> Iterator[None]:
    """Let a model give more proposals and detections an image.

    A large image has more cells than the crops of training; with the limits
    that suit those it would be cut short.

    Args:
        model (nn.Module): An mmdet detector.
        factor (float): Multiplies each of its limits.

    Yields:
        None: Nothing; the limits are as before afterwards.
    """
    with _limits(model, lambda before: math.ceil(before * factor)):
        yield


@contextmanager
def _limits(model: nn.Module, change: Callable[[int], int]) -> Iterator[None]:
    before = [
        (config, key, config[key])
        for owner in (model, *(getattr(model, head, None) for head in _HEADS))
        for config in _configs_of(owner)
        for key in _LIMITS
        if config.get(key, -1) > 0
    ]
    try:
        # A config that two owners share is in the list twice.
        for config, key, value in before:
            config[key] = change(value)
        yield
    finally:
        for config, key, value in before:
            config[key] = value


@contextmanager
def all_proposals(model: nn.Module, least: float) -> Iterator[None]:
    """Let a model look at all proposals from some objectness on.

    How many proposals an image gives at most is shared out over the whole of
    it, so a crowded corner takes from all others. This rule is the same at
    each place, whatever else the image shows.

    Args:
        model (nn.Module): An mmdet detector; one without an RPN stays as it
            is.
        least (float): Least objectness, from 0 to 1.

    Yields:
        None: Nothing; the model is as before afterwards.
    """
    head = getattr(model, 'rpn_head', None)
    before = getattr(head, '_bbox_post_process', None)

    def process(results: InstanceData, *args: Any, **kwargs: Any) -> Any:
        return before(results[results.scores >= least], *args, **kwargs)

    with changed_limits(model, _NO_LIMIT):
        if before is None:
            yield
            return
        head._bbox_post_process = process
        try:
            yield
        finally:
            del head._bbox_post_process


def _configs_of(owner: Any) -> Iterator[MutableMapping]:
    config = getattr(owner, 'test_cfg', None) or {}
    for one in (config, config.get('rpn'), config.get('rcnn')):
        if isinstance(one, MutableMapping):
            yield one
