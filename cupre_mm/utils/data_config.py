"""Configs that are data: json and yaml, read without running anything.

mmengine's own reader builds any Python object that a yaml file names, so it
is not used here. Two things are added to plain json, because models and
transforms tell them apart: a tuple is written ``{"_tuple_": [1, 2]}`` (in
yaml ``!!python/tuple``), and a float that is no number as json's
``Infinity``. ``_base_`` (paths to other json or yaml files) and ``_delete_``
work as in mmengine; ``{{ }}`` templates are refused.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.errors import BadConfigError, MissingDataError

DATA_SUFFIXES = ('.json', '.yaml', '.yml')
# Where a json is taken for annotations, these are configs.
CONFIG_SUFFIXES = ('.py', '.yaml', '.yml')
_TUPLE = '_tuple_'
_TUPLE_TAG = 'tag:yaml.org,2002:python/tuple'
_BASE = '_base_'
_DELETE = '_delete_'


class DataConfig(Config):
    """mmengine's Config, which keeps tuples when it is written to json."""

    def dump(self, file: str | Path | None = None) -> str | None:
        """Write the config, or return it as text.

        Args:
            file (str | Path, optional): A .json, .yaml or .py file. Defaults
                to None: return the text.

        Returns:
            str | None: The text, if no file is given.
        """
        target = self.filename if file is None else file
        if str(target).endswith(DATA_SUFFIXES):
            text = to_text(self.to_dict(), Path(target).suffix)
            if file is None:
                return text
            return write_atomically(Path(file), text.encode())
        return super().dump(file)


class _Loader(yaml.SafeLoader):
    """yaml's safe loader, and tuples."""


class _Dumper(yaml.SafeDumper):
    """yaml's safe dumper, and tuples."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Loader.add_constructor(
    _TUPLE_TAG,
    lambda loader, node: tuple(loader.construct_sequence(node, True)),
)
_Dumper.add_representer(
    tuple, lambda dumper, value: dumper.represent_sequence(_TUPLE_TAG, value)
)


def read_data_config(path: str | Path) -> DataConfig:
    """Read a json or yaml config and the files it is based on.

    Args:
        path (str | Path): The config.

    Returns:
        DataConfig: The config.

    Raises:
        MissingDataError: If it, or a file it is based on, does not exist.
        BadConfigError: If it is of another kind or cannot be read, or asks
            for what would have to be run.
    """
    path = Path(path).expanduser()
    values = _read(path, ())
    try:
        return DataConfig(values, filename=str(path))
    except (KeyError, TypeError) as error:
        raise BadConfigError(f'{path}: {error}') from error


def write_data_config(config: Config, path: str | Path) -> None:
    """Write a config of any kind as json or yaml, with all that it inherits.

    Args:
        config (Config): The config.
        path (str | Path): The file, .json, .yaml or .yml.

    Raises:
        BadConfigError: If it holds what such a file cannot hold.
    """
    path = Path(path)
    if path.suffix not in DATA_SUFFIXES:
        raise BadConfigError(
            f'{path} must end in {", ".join(DATA_SUFFIXES)}: nothing else '
            'can be read without running it'
        )
    write_atomically(path, to_text(config.to_dict(), path.suffix).encode())


def to_text(values: Mapping[str, Any], suffix: str) -> str:
    """Write the values of a config as json or yaml.

    Args:
        values (Mapping[str, Any]): Of :meth:`mmengine.Config.to_dict`.
        suffix (str): Of the file to be.

    Returns:
        str: The text.

    Raises:
        BadConfigError: If a value is no plain data.
    """
    plain = _plain(values, '', suffix == '.json')
    if suffix == '.json':
        return json.dumps(plain, indent=2) + '\n'
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False)


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    values = _parse(path)
    bases = values.pop(_BASE, [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, (list, tuple)):
        raise BadConfigError(f'{path}: {_BASE}={bases!r} is no list of files')
    above = (*above, path.resolve())
    inherited: dict[str, Any] = {}
    for base in bases:
        if not isinstance(base, str) or '::' in base:
            raise BadConfigError(
                f'{path}: {_BASE} {base!r} is not the path of a json or yaml '
                'file'
            )
        file = path.parent / base
        if file.resolve() in above:
            raise BadConfigError(f'{path}: {_BASE} {base!r} goes in a circle')
        values_of_base = _read(file, above)
        if twice := inherited.keys() & values_of_base.keys():
            raise BadConfigError(
                f'{path}: {sorted(twice)} come from more than one {_BASE}'
            )
        inherited.update(values_of_base)
    return _merged(values, inherited, path)


def _parse(path: Path) -> dict[str, Any]:
    if path.suffix not in DATA_SUFFIXES:
        raise BadConfigError(
            f'{path} is not read without running it: only '
            f'{", ".join(DATA_SUFFIXES)} configs are, and only such may be '
            'their _base_. Where the config may be trusted, tools/'
            f'print_config.py {path} --out config.json writes it as one'
        )
    if not path.is_file():
        raise MissingDataError(
            f'the config file {path} does not exist (from {os.getcwd()})'
        )
    try:
        text = path.read_text(encoding='utf-8')
        if path.suffix == '.json':
            values = json.loads(text)
        else:
            values = yaml.load(text, Loader=_Loader)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadConfigError(f'{path}: {error}') from error
    if not isinstance(values, dict):
        raise BadConfigError(
            f'{path} holds a {type(values).__name__}, no config'
        )
    try:
        return {key: _decoded(values[key], path) for key in values}
    except RecursionError as error:
        raise BadConfigError(f'{path} is nested too deep') from error


def _decoded(value: Any, path: Path) -> Any:
    """Tuples in place of their notation; templates are refused."""
    if isinstance(value, dict):
        if set(value) == {_TUPLE} and isinstance(value[_TUPLE], list):
            return tuple(_decoded(part, path) for part in value[_TUPLE])
        return {key: _decoded(part, path) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_decoded(part, path) for part in value)
    if isinstance(value, str) and '{{' in value:
        raise BadConfigError(
            f'{path}: {value!r} is a template, which is not filled in here; '
            'write the value, or give it by --cfg-options'
        )
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise BadConfigError(
        f'{path}: {value!r} ({type(value).__name__}) is no value of a config'
    )


def _merged(values: Any, base: Any, path: Path) -> Any:
    """A dict goes over that of the base, key by key; all else replaces it."""
    if not isinstance(values, dict):
        return values
    values = dict(values)
    if values.pop(_DELETE, False) or not isinstance(base, dict):
        base = {}
    merged = dict(base)
    for key, value in values.items():
        before = merged.get(key)
        if (
            isinstance(value, dict)
            and before is not None
            and not isinstance(before, dict)
            and not value.get(_DELETE)
        ):
            raise BadConfigError(
                f'{path}: {key} is a dict here and {type(before).__name__} '
                f'in the {_BASE}; add "{_DELETE}": true to replace it'
            )
        merged[key] = _merged(value, before, path)
    return merged


def _plain(value: Any, place: str, json_form: bool) -> Any:
    """A copy of builtin types, tuples in the notation of the format."""
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong and json_form:
            raise BadConfigError(
                f'{place or "config"} has the key {wrong[0]!r}, which is no '
                'string; write it as .yaml'
            )
        return {
            key: _plain(part, f'{place}.{key}'.lstrip('.'), json_form)
            for key, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        parts = [
            _plain(part, f'{place}[{index}]', json_form)
            for index, part in enumerate(value)
        ]
        if isinstance(value, list):
            return parts
        return {_TUPLE: parts} if json_form else tuple(parts)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise BadConfigError(
        f'{place} is {value!r}, an object of Python that only a .py config '
        'can hold'
    )
