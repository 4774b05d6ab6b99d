"""How many detections a model gives an image, at most."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from torch import nn

_LIMITS = ('nms_pre', 'max_per_img')
_HEADS = ('rpn_head', 'roi_head')


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


@contextmanager
def changed_limits(model: nn.Module, limit: int) -> Iterator[None]:
    """Let a model give other numbers of proposals and detections an image.

    A large image has more cells than a tile of it; with the limits of a tile
    it would be cut short.

    Args:
        model (nn.Module): An mmdet detector.
        limit (int): In place of each of its limits.

    Yields:
        None: Nothing; the limits are as before afterwards.
    """
    before = [
        (config, key, config[key])
        for owner in (model, *(getattr(model, head, None) for head in _HEADS))
        for config in _configs_of(owner)
        for key in _LIMITS
        if config.get(key, -1) > 0
    ]
    try:
        for config, key, _ in before:
            config[key] = limit
        yield
    finally:
        for config, key, value in before:
            config[key] = value


def _configs_of(owner: Any) -> Iterator[MutableMapping]:
    config = getattr(owner, 'test_cfg', None) or {}
    for one in (config, config.get('rpn'), config.get('rcnn')):
        if isinstance(one, MutableMapping):
            yield one
