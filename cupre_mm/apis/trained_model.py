"""A detector and its weights, ready to predict."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model.utils import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from cupre_mm.utils.checkpoint import read_checkpoint, state_dict_of
from cupre_mm.utils.config_files import config_errors
from cupre_mm.utils.errors import (
    BadCheckpointError,
    BadConfigError,
    MissingDataError,
)
from cupre_mm.utils.load_report import LoadReport, compare_weights
from cupre_mm.utils.no_exec import check_config, read_config

_COUNTER = 'num_batches_tracked'
_CONTRASTIVE = 'moco.'


def name_of(config: Config) -> str:
    """What messages call a config.

    Args:
        config (Config): The config.

    Returns:
        str: Its file, if it has one.
    """
    return str(config.filename or 'the config')


def open_config(config: str | Path | Config, no_exec: bool = False) -> Config:
    """Read a config, and make its scope the default one.

    Args:
        config (str | Path | Config): The config or its file.
        no_exec (bool): Whether only what cannot run code is taken; see
            :mod:`cupre_mm.utils.no_exec`. Defaults to False.

    Returns:
        Config: The config.

    Raises:
        MissingDataError: If there is no such file.
        BadConfigError: If it cannot be read, or has no model.
    """
    if isinstance(config, Config):
        if no_exec:
            check_config(config)
    else:
        path = Path(config)
        if not path.is_file():
            raise MissingDataError(
                f'the config file {path} does not exist (from {Path.cwd()})'
            )
        with config_errors(path):
            config = read_config(path, no_exec)
    if not isinstance(config.get('model'), Mapping):
        raise BadConfigError(f'{name_of(config)} has no model')
    init_default_scope(config.get('default_scope') or 'mmdet')
    return config


def load_model(
    config: Config, checkpoint: str | Path, device: str | None = None
) -> nn.Module:
    """Build a detector with its trained weights.

    Unlike :func:`mmdet.apis.init_detector` it refuses a checkpoint that
    leaves a part of the detector untrained, reads nothing that could run
    code, and needs no data set.

    Args:
        config (Config): Its config, of :func:`open_config`.
        checkpoint (str | Path): The weights, a file or a URL. Those of the
            contrastive task may be there or not.
        device (str, optional): Such as ``'cpu'`` or ``'cuda:0'``. Defaults
            to None: an accelerator where there is one.

    Returns:
        nn.Module: In evaluation mode; ``dataset_meta`` is a dict that may
        have ``classes``, ``cfg`` is the config.

    Raises:
        MissingDataError: If there is no such checkpoint.
        BadCheckpointError: If it cannot be read or fits another detector.
        BadConfigError: If there is no such device.
    """
    loaded = read_checkpoint(checkpoint)
    model = MODELS.build(copy.deepcopy(config.model))
    model = revert_sync_batchnorm(model)
    state = state_dict_of(loaded)
    report = compare_weights(model, state)
    if report.mismatched or any(map(_is_needed, report.missing)):
        raise BadCheckpointError(
            f'{checkpoint} does not fit the detector of {name_of(config)}: '
            f'{_reason(report)}. Give the config that the checkpoint was '
            'trained with'
        )
    model.load_state_dict(state, strict=False)
    model.dataset_meta = _meta_of(loaded, config)
    model.cfg = config
    return _to_device(model, device).eval()


def _is_needed(name: str) -> bool:
    return not name.startswith(_CONTRASTIVE) and not name.endswith(_COUNTER)


def _reason(report: LoadReport) -> str:
    kinds = {
        'of another shape': report.mismatched,
        'not in the checkpoint': list(filter(_is_needed, report.missing)),
    }
    return ', '.join(
        f'{len(names)} weights {kind}, such as {names[0]}'
        for kind, names in kinds.items()
        if names
    )


def _meta_of(checkpoint: Mapping, config: Config) -> dict[str, Any]:
    meta = checkpoint.get('meta') or {}
    found = {
        str(key).lower(): value
        for key, value in (meta.get('dataset_meta') or {}).items()
    }
    # mmdet 2 wrote the names alone.
    if 'classes' not in found and meta.get('CLASSES'):
        found['classes'] = meta['CLASSES']
    if 'classes' not in found:
        loader = config.get('test_dataloader') or {}
        names = (loader.get('dataset') or {}).get('metainfo') or {}
        found.update(names)
    return found


def _to_device(model: nn.Module, device: str | None) -> nn.Module:
    try:
        return model.to(torch.device(device or get_device()))
    # What torch raises depends on how it was built.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BadConfigError(
            f'device={device!r} cannot be used: {reason}'
        ) from error
