"""In which values two configs differ."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

# What a Runner reads; the rest are the config's own variables.
RUN_KEYS = (
    'auto_scale_lr',
    'custom_hooks',
    'default_hooks',
    'default_scope',
    'find_unused_parameters',
    'load_from',
    'model',
    'optim_wrapper',
    'param_scheduler',
    'randomness',
    'resume',
    'sync_bn',
    'test_cfg',
    'test_dataloader',
    'test_evaluator',
    'train_cfg',
    'train_dataloader',
    'val_cfg',
    'val_dataloader',
    'val_evaluator',
)


def flat(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """All single values of a config, by dotted names."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from flat(part, f'{name}.{key}' if name else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for number, part in enumerate(value):
            yield from flat(part, f'{name}.{number}')
    else:
        yield name, value


def differences(one: Config, other: Config) -> set[str]:
    """Names of the values in which two runs differ."""
    first, second = (
        dict(flat({k: v for k, v in c.to_dict().items() if k in RUN_KEYS}))
        for c in (one, other)
    )
    absent = object()
    return {
        name
        for name in first.keys() | second.keys()
        if first.get(name, absent) != second.get(name, absent)
    }


def changed_parts(one: Config, other: Config) -> set[str]:
    """The first two levels of the values in which two runs differ."""
    names = differences(one, other)
    return {'.'.join(name.split('.')[:2]) for name in names}
