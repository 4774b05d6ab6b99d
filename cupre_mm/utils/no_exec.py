"""Runs whose config cannot run code: what ``--no-exec`` does.

A json or yaml config holds data only (:mod:`cupre_mm.utils.data_config`), yet
mmengine calls whatever ``type`` names: an unregistered ``os.system`` is
imported and called. So every ``type`` has to be registered by one of the
OpenMMLab packages or cupre_mm, a few registered ones that evaluate strings
are refused, and the places where the libraries import, unpickle or execute
by name are closed for the rest of the process.
"""

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import mmengine.registry.registry as registry_module
import yaml
from mmengine.config import Config
from mmengine.fileio.handlers import BaseFileHandler
from mmengine.fileio.handlers.registry_utils import file_handlers
from mmengine.registry import Registry

from cupre_mm.utils.data_config import read_data_config
from cupre_mm.utils.errors import BadConfigError

SCOPES = ('mmengine', 'mmcv', 'mmdet', 'mmpretrain', 'cupre_mm')
# These two register in mmengine's registries, when they are imported.
_ROOT_SCOPES = ('mmengine', 'mmcv')
_ROOT_MODULES = ('mmengine.runner', 'mmcv.transforms', 'mmcv.cnn', 'mmcv.ops')
# Operators of mmcv, which mmcv and mmdet look up by themselves.
_OPERATORS = frozenset(
    {
        *('nms', 'soft_nms', 'nms_match', 'nms_rotated', 'nms_quadri'),
        *('RoIAlign', 'RoIAlignRotated', 'RoIPool', 'PrRoIPool'),
        'DeformRoIPool',
    }
)
# Where registered types evaluate or unpickle what the config tells them.
_EVALUATING = re.compile(
    r'mmcv\.cnn\.rfsearch'
    r'|mmdet\.models\.task_modules\.tracking\.camera_motion_compensation'
    r'|mmpretrain\.datasets\.cifar'
    r'|mmpretrain\.models\.multimodal'
    r'|mmpretrain\.models\.classifiers\.hugging_face'
)
_EVALUATING_NAMES = re.compile(r'(?:\w+\.)?torchvision/.*')
# What names a type, besides ``type`` itself.
_TYPE_KEYS = frozenset(
    {'type', 'constructor', 'runner_type', 'ema_type', 'model_wrapper_type'}
)
_SCOPE_KEYS = frozenset({'_scope_', 'default_scope'})
_CODE_KEYS = frozenset({'custom_imports'})
_PICKLES = ('.pkl', '.pickle', '.joblib')
_WRITTEN = frozenset({'out_file_path', 'outfile_prefix'})
_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'


def add_no_exec_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-exec``.

    Args:
        parser (argparse.ArgumentParser): The tool's parser, changed in
            place.
    """
    parser.add_argument(
        '--no-exec',
        action='store_true',
        help='Take only a .json or .yaml config (of tools/print_config.py), '
        'and run nothing that it says: for configs of people you do not '
        'know. See docs/security.md.',
    )


def read_config(path: str | Path, no_exec: bool = False) -> Config:
    """Read a config of any kind, or one that cannot run code.

    Args:
        path (str | Path): The config.
        no_exec (bool): Whether only json and yaml are read, and the process
            is kept from running what they name. Defaults to False.

    Returns:
        Config: The config.

    Raises:
        MissingDataError: If there is no such file.
        BadConfigError: If it is refused.
    """
    if not no_exec:
        return Config.fromfile(path)
    config = read_data_config(path)
    check_config(config)
    close_doors()
    return config


def check_config(config: Config) -> None:
    """Refuse a config that would run code.

    Args:
        config (Config): The config, with all options applied.

    Raises:
        BadConfigError: If it names what is not registered, asks for an
            import, or reads a pickle.
    """
    for place, key, value in _values(config.to_dict(), ''):
        if key in _CODE_KEYS:
            raise BadConfigError(
                f'--no-exec: {place} would import {value!r}; cupre_mm needs '
                'no custom_imports'
            )
        if key in _SCOPE_KEYS and value is not None and value not in SCOPES:
            raise BadConfigError(
                f'--no-exec: {place}={value!r} is none of {", ".join(SCOPES)}'
            )
        if key in _TYPE_KEYS and value is not None:
            _check_type(place, value)
        if (
            isinstance(value, str)
            and key not in _WRITTEN
            and value.lower().endswith(_PICKLES)
        ):
            raise BadConfigError(
                f'--no-exec: {place}={value!r} is a pickle, which runs code '
                'when it is read'
            )


def close_doors() -> None:
    """Keep this process from running what configs and data files name.

    Stays until the process ends. The libraries' own imports go on working;
    what is closed are imports by the name in a ``type``, Python configs,
    pickles and yaml objects read by mmengine, and checkpoints with code.
    """
    registry_module.get_object_from_string = lambda name: None
    registry_module.import_module = _import_known
    Config.fromfile = staticmethod(_read_closed)
    Config.fromstring = staticmethod(_refuse_text)
    for kind in ('pkl', 'pickle'):
        file_handlers[kind] = _NoPickles(file_handlers[kind])
    for kind in ('yaml', 'yml'):
        file_handlers[kind] = _SafeYaml(file_handlers[kind])
    os.environ[_FORCE] = '1'


class _Handler(BaseFileHandler):
    """Writes as another handler does, and reads in its own way."""

    def __init__(self, writer: BaseFileHandler) -> None:
        self._writer = getattr(writer, '_writer', writer)
        self.str_like = self._writer.str_like

    def dump_to_fileobj(self, obj: Any, file: Any, **kwargs: Any) -> None:
        self._writer.dump_to_fileobj(obj, file, **kwargs)

    def dump_to_path(self, obj: Any, path: str, **kwargs: Any) -> None:
        self._writer.dump_to_path(obj, path, **kwargs)

    def dump_to_str(self, obj: Any, **kwargs: Any) -> Any:
        return self._writer.dump_to_str(obj, **kwargs)


class _NoPickles(_Handler):
    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        raise BadConfigError(
            f'--no-exec: {getattr(file, "name", "a file")} is a pickle, '
            'which runs code when it is read'
        )


class _SafeYaml(_Handler):
    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        return yaml.safe_load(file)


def _values(node: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """Place, key and value of everything, lists' parts under their key."""
    stack = [(place, node)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, Mapping):
            for name, part in value.items():
                below = f'{place}.{name}'.lstrip('.')
                yield below, name, part
                stack.append((below, part))
        elif isinstance(value, (list, tuple)):
            for index, part in enumerate(value):
                yield f'{place}[{index}]', '', part
                stack.append((f'{place}[{index}]', part))


def _check_type(place: str, name: Any) -> None:
    if not isinstance(name, str):
        raise BadConfigError(f'--no-exec: {place}={name!r} is no string')
    if name in _OPERATORS:
        return
    scope, dot, short = name.partition('.')
    registered = _registered(scope).get(short) if dot else None
    if dot and scope in SCOPES and registered is None:
        raise BadConfigError(
            f'--no-exec: {place}={name!r} is not registered in {scope}'
        )
    if not dot or scope not in SCOPES:
        registered = next(
            (
                found
                for each in SCOPES
                if (found := _registered(each).get(name)) is not None
            ),
            None,
        )
    if registered is None:
        raise BadConfigError(
            f'--no-exec: {place}={name!r} is not registered in '
            f'{", ".join(SCOPES)}; what is not would be imported and called'
        )
    modules = {getattr(one, '__module__', '') or '' for one in registered}
    if _EVALUATING_NAMES.fullmatch(name) or any(
        _EVALUATING.match(module) for module in modules
    ):
        raise BadConfigError(
            f'--no-exec: {place}={name!r} evaluates or unpickles what the '
            'config gives it'
        )


@cache
def _registered(scope: str) -> dict[str, tuple[Any, ...]]:
    """Everything that a package registers, by name."""
    if scope not in SCOPES:
        return {}
    found: dict[str, tuple[Any, ...]] = {}
    try:
        for name in _ROOT_MODULES if scope in _ROOT_SCOPES else ():
            import_module(name)
        module = import_module(
            f'{"mmengine" if scope in _ROOT_SCOPES else scope}.registry'
        )
    except ImportError:
        return found
    for registry in list(vars(module).values()):
        if not isinstance(registry, Registry):
            continue
        registry.import_from_location()
        for name, entry in list(registry.module_dict.items()):
            found[name] = (*found.get(name, ()), entry)
    return found


def _import_known(name: str, package: str | None = None) -> Any:
    if name.partition('.')[0] not in SCOPES:
        raise ImportError(f'--no-exec: {name} is not imported')
    return import_module(name, package)


def _read_closed(filename: str | Path, *args: Any, **kwargs: Any) -> Config:
    config = read_data_config(filename)
    check_config(config)
    return config


def _refuse_text(text: str, file_format: str) -> Config:
    raise BadConfigError('--no-exec: a config in a text is not read')
