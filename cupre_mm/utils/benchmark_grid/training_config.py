"""Training configs as a benchmark uses them: budget, options, what counts."""

import copy
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger

from cupre_mm.utils.config_files import config_errors, merge_options
from cupre_mm.utils.errors import BadConfigError, MissingDataError

# What a result depends on; the rest of a config is for the files it writes,
# or was needed to write the config.
_WITH_EFFECT = frozenset(
    {
        *('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
        *('val_dataloader', 'val_evaluator', 'val_cfg', 'param_scheduler'),
        *('test_dataloader', 'test_evaluator', 'test_cfg', 'auto_scale_lr'),
        *('custom_hooks', 'randomness', 'load_from', 'sync_bn'),
        *('default_scope', 'find_unused_parameters', 'data_preprocessor'),
    }
)
_LOADING = frozenset(
    {'num_workers', 'persistent_workers', 'prefetch_factor', 'how_to_get'}
)


class ConfigReader:
    """Reads training configs, each once.

    Args:
        root (Path): Folder of the checkout or the installed package's files.
        data (Path): Root of all data.
        beside (Path): Folder that paths may also start from.
    """

    def __init__(self, root: Path, data: Path, beside: Path) -> None:
        self._places = (root, Path.cwd(), beside)
        self._data = data
        self._read: dict[tuple, Config] = {}

    def find(self, name: str) -> Path:
        """Find a file that a benchmark names.

        Args:
            name (str): Path from the checkout, the current folder or the
                benchmark config.

        Returns:
            Path: The file.

        Raises:
            MissingDataError: If there is none.
        """
        for place in self._places:
            path = Path(place, name).expanduser()
            if path.is_file():
                return path.resolve()
        raise MissingDataError(
            f'{name} does not exist in any of '
            f'{", ".join(map(str, dict.fromkeys(self._places)))}'
        )

    def read(
        self,
        name: str,
        options: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> Config:
        """Read a config and change values of it.

        Args:
            name (str): As for :meth:`find`.
            options (Mapping[str, Any]): New values by dotted keys.
            environment (Mapping[str, str], optional): Variables that the
                run will have. Defaults to None.

        Returns:
            Config: A copy of one's own.

        Raises:
            MissingDataError: If there is no such file.
            BadConfigError: If it, or an option, cannot be used.
        """
        path = self.find(name)
        environment = environment or {}
        known = path, *sorted(environment.items())
        if known not in self._read:
            before = dict(os.environ)
            os.environ['CUPRE_DATA'] = str(self._data)
            # What the caller chose for other runs is not this benchmark's.
            for variable in ('CUPRE_SPLITS', 'CUPRE_TRAIN_SPLIT'):
                os.environ.pop(variable, None)
            os.environ.update(environment)
            try:
                with config_errors(path), _quiet():
                    self._read[known] = Config.fromfile(path)
            finally:
                os.environ.clear()
                os.environ.update(before)
        config = copy.deepcopy(self._read[known])
        merge_options(config, copy.deepcopy(dict(options)))
        return config


@contextmanager
def _quiet() -> Iterator[None]:
    """Without mmengine's lines on variables, in the midst of commands."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def iterations_of(config: Config, name: str) -> int:
    """Number of iterations of a training.

    Args:
        config (Config): Its config.
        name (str): What to call it.

    Returns:
        int: ``train_cfg.max_iters``.

    Raises:
        BadConfigError: If it counts epochs.
    """
    number = (config.get('train_cfg') or {}).get('max_iters')
    if type(number) is not int or number < 1:
        raise BadConfigError(
            f'{name}: train_cfg.max_iters={number!r}; a benchmark trains for '
            'a number of iterations, so that the budget does not grow with '
            'the labels'
        )
    return number


def budget_options(config: Config, iterations: int | None) -> dict[str, Any]:
    """Options that set the length of a training.

    Parameter schedulers that end with the run, or later, are stretched with
    it: their ends, milestones and periods in proportion. Others, such as a
    warm-up, stay.

    Args:
        config (Config): Config of the training.
        iterations (int, optional): New length; None leaves the config's.

    Returns:
        dict[str, Any]: Values by dotted keys.
    """
    if iterations is None:
        return {}
    before = iterations_of(config, str(config.filename))
    options: dict[str, Any] = {'train_cfg.max_iters': iterations}
    if config.train_cfg.get('val_interval', 0) >= before:
        options['train_cfg.val_interval'] = iterations
    schedulers = config.get('param_scheduler') or []
    if iterations == before or isinstance(schedulers, Mapping):
        return options

    def scaled(value: float) -> int:
        return max(1, round(value * iterations / before))

    for index, scheduler in enumerate(schedulers):
        prefix = f'param_scheduler.{index}.'
        end = scheduler.get('end')
        if isinstance(end, int) and end >= before:
            options[prefix + 'end'] = scaled(end)
        elif end is not None:
            continue
        if milestones := scheduler.get('milestones'):
            options[prefix + 'milestones'] = [*map(scaled, milestones)]
        if period := scheduler.get('T_max'):
            options[prefix + 'T_max'] = scaled(period)
    return options


def dataset_of(config: Config, loader: str) -> tuple[str, Mapping] | None:
    """Find the innermost data set of a loader.

    Args:
        config (Config): Config of a run.
        loader (str): Dotted key of the loader.

    Returns:
        tuple[str, Mapping], optional: Its dotted key and config.
    """
    first, *others = loader.split('.')
    node: Any = config.get(first)
    for part in others:
        node = node.get(part) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or 'dataset' not in node:
        return None
    key = loader
    while 'dataset' in node:
        key, node = f'{key}.dataset', node['dataset']
    return key, node


def datasets_of(config: Config, loader: str) -> list[tuple[str, Mapping]]:
    """Find all innermost data sets of a loader, those joined too.

    Args:
        config (Config): Config of a run.
        loader (str): Dotted key of the loader.

    Returns:
        list[tuple[str, Mapping]]: Dotted keys and configs; more than one
        where a ``ConcatDataset`` or the like joins several.
    """
    found = dataset_of(config, loader)
    return [] if found is None else list(_joined(*found))


def _joined(key: str, node: Mapping) -> Iterator[tuple[str, Mapping]]:
    inner = {'dataset': node.get('dataset')}
    for index, one in enumerate(node.get('datasets') or ()):
        inner[f'datasets.{index}'] = one
    inner = {k: v for k, v in inner.items() if isinstance(v, Mapping)}
    if not inner:
        yield key, node
    for name, one in inner.items():
        yield from _joined(f'{key}.{name}', one)


def annotation_file(dataset: Mapping) -> Path | None:
    """Path of the annotation file of a data set.

    Args:
        dataset (Mapping): Its config.

    Returns:
        Path, optional: None for one without.
    """
    if not dataset.get('ann_file'):
        return None
    return Path(dataset.get('data_root') or '', dataset['ann_file'])


def recipe_of(
    config: Config, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """All values of a config that its result depends on, by dotted keys.

    Args:
        config (Config): Config of a run.
        names (Mapping[str, str], optional): What to write for folders of
            this machine. Defaults to None.

    Returns:
        dict[str, Any]: Plain values.
    """
    found = {}
    for key, value in _flat(config.to_dict(), ''):
        first, last = key.partition('.')[0], key.rpartition('.')[2]
        if first not in _WITH_EFFECT or last in _LOADING:
            continue
        if isinstance(value, str):
            for folder, name in (names or {}).items():
                value = value.replace(folder, name)
        found[key] = value
    return found


def differing_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> list:
    """Keys at which two recipes differ.

    Args:
        one (Mapping[str, Any]): Of :func:`recipe_of`.
        other (Mapping[str, Any]): Of :func:`recipe_of`.

    Returns:
        list[str]: Sorted keys.
    """
    absent = object()
    return sorted(
        key
        for key in {*one, *other}
        if one.get(key, absent) != other.get(key, absent)
    )


def _flat(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from _flat(value, f'{key}.{name}' if key else str(name))
    elif isinstance(node, (list, tuple)) and node:
        for index, value in enumerate(node):
            yield from _flat(value, f'{key}.{index}')
    elif isinstance(node, (bool, int, float, str, type(None))):
        yield key, node
    else:
        yield key, str(node)
