"""Finds the data sets that a config's loaders read, and builds them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from cupre_mm.utils.errors import BadConfigError, MissingDataError

LOADERS = ('train', 'val', 'test', 'moco', 'det')


def dataset_configs(config: Config, loader: str) -> dict[str, dict[str, Any]]:
    """Find the data sets of a loader.

    Args:
        config (Config): Config of a run.
        loader (str): 'train', 'val' or 'test', or, of a pre-training
            config, 'moco' or 'det'; 'train' stands for both of these.

    Returns:
        dict[str, dict]: Configs of the data sets, without wrappers such as
        ``RepeatDataset``, by the name of the loader.

    Raises:
        BadConfigError: If the config has no such loader.
    """
    train = config.get('train_dataloader') or {}
    dual = {task: train.get(task) for task in ('moco', 'det')}
    if loader in dual:
        found = {loader: dual[loader]}
    elif loader == 'train' and ('moco' in train or 'det' in train):
        found = dual
    else:
        found = {loader: config.get(f'{loader}_dataloader')}
    datasets = {
        name: _innermost(one['dataset']) for name, one in found.items() if one
    }
    if not datasets:
        there = [name for name in LOADERS if _has_loader(config, train, name)]
        raise BadConfigError(
            f'{config.filename} has no {loader} data loader; it has '
            f'{", ".join(there) or "none"}: choose one with --loader'
        )
    return datasets


def is_unlabelled(dataset: Mapping[str, Any]) -> bool:
    """Tell unlabelled sources from labelled images.

    Args:
        dataset (Mapping): Config of a data set.

    Returns:
        bool: Whether it is a ``CellImages``.
    """
    return str(dataset['type']).rpartition('.')[2] == 'CellImages'


def annotations_and_images(dataset: Mapping[str, Any]) -> tuple[str, str]:
    """Find the files of a labelled data set, as mmengine joins them.

    Args:
        dataset (Mapping): Config of a COCO data set.

    Returns:
        tuple[str, str]: The annotation file and the folder of the images.

    Raises:
        BadConfigError: If it names no annotation file.
    """
    if not dataset.get('ann_file'):
        raise BadConfigError(
            f'the data set {dataset["type"]} has no ann_file; only COCO data '
            'sets and cupre_mm.CellImages can be looked at'
        )
    root = dataset.get('data_root') or ''
    folder = (dataset.get('data_prefix') or {}).get('img', '')
    return os.path.join(root, dataset['ann_file']), os.path.join(root, folder)


def images_beside(ann_file: str | Path) -> Path:
    """Guess the folder of the images of a COCO json.

    Args:
        ann_file (str | Path): The json.

    Returns:
        Path: The folder 'images' beside it, or up to two levels up, as in
        the layouts of ``data/README.md``.

    Raises:
        MissingDataError: If there is none.
    """
    parents = list(Path(ann_file).resolve().parents)[:3]
    for parent in parents:
        if (parent / 'images').is_dir():
            return parent / 'images'
    raise MissingDataError(
        f'no folder "images" beside {ann_file} or up to two levels up: name '
        'the folder of its images with --images'
    )


def build_dataset(
    config: Config | None, dataset: Mapping[str, Any], augmented: bool
) -> Any:
    """Build a data set.

    Args:
        config (Config, optional): The config it is from, which names the
            default scope.
        dataset (Mapping): Config of the data set.
        augmented (bool): Whether its pipeline will be run; else it is left
            out.

    Returns:
        BaseDataset: The data set.
    """
    scope = config.get('default_scope') if config is not None else None
    init_default_scope(scope or 'mmdet')
    dataset = dict(dataset)
    if not augmented:
        dataset['pipeline'] = []
    return DATASETS.build(dataset)


def _innermost(dataset: Mapping[str, Any]) -> dict[str, Any]:
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dict(dataset)


def _has_loader(config: Config, train: Mapping, name: str) -> bool:
    if name in ('moco', 'det'):
        return bool(train.get(name))
    return bool(config.get(f'{name}_dataloader'))
