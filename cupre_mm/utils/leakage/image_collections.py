"""From what a user calls a set of images to its files."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.config.utils import ConfigParsingError

from cupre_mm.utils.archives import is_archive_name
from cupre_mm.utils.data_config import CONFIG_SUFFIXES
from cupre_mm.utils.dataset_inspection.config_datasets import (
    annotations_and_images,
    build_dataset,
    dataset_configs,
    is_unlabelled,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.image_paths import find_images
from cupre_mm.utils.json_stream import read_list
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS
from cupre_mm.utils.no_exec import read_config

_MOST_LISTED = 5
# annotations/seed0/train_5.json has images/ two folders up.
_LEVELS = 3


class ImageCollection(NamedTuple):
    """Image files under the name that tells a user where they are from.

    Attributes:
        name (str): For the log.
        files (list[str]): Absolute paths.
    """

    name: str
    files: list[str]


def find_collections(
    path: str,
    loader: str,
    image_folder: str | None = None,
    no_exec: bool = False,
) -> list[ImageCollection]:
    """Find the images that one argument of a command line stands for.

    Args:
        path (str): A folder, a glob pattern, a ``.txt`` list, an image, a
            COCO ``.json``, or a config ``.py`` or ``.yaml``.
        loader (str): Of a config, the loader whose images are meant:
            ``'train'`` (of a dual loader both tasks) or ``'test'``.
        image_folder (str, optional): Where the images of a COCO json are.
            Defaults to None: the first that has its first image, of
            ``images/`` beside the json, one and two folders up, and the
            json's own folder.
        no_exec (bool): Whether only configs that run no code are read.
            Defaults to False.

    Returns:
        list[ImageCollection]: One, or for a config one a data set.

    Raises:
        MissingDataError: If something does not exist.
        BadDataError: If there is no image, or the path is an archive.
        BadConfigError: If a config cannot be read or has no such loader.
    """
    kind = Path(path).suffix.lower() if os.path.isfile(path) else ''
    if kind in CONFIG_SUFFIXES:
        found = list(_of_config(path, loader, no_exec))
    elif kind == '.json':
        found = [ImageCollection(path, _of_coco(path, image_folder))]
    elif kind and is_archive_name(path):
        raise BadDataError(
            f'{path} is an archive: unpack it with python tools/'
            f'dataset_converters/unpack.py {path} FOLDER and pass the folder'
        )
    else:
        files = find_images(path, '', IMAGE_EXTENSIONS).files
        found = [ImageCollection(path, files)]
    for collection in found:
        if not collection.files:
            raise BadDataError(
                f'{collection.name} has no image: none of its files ends in '
                f'{", ".join(IMAGE_EXTENSIONS)}'
            )
    return [
        ImageCollection(name, [os.path.abspath(file) for file in files])
        for name, files in found
    ]


def _of_coco(path: str, image_folder: str | None) -> list[str]:
    if not os.path.isfile(path):
        raise MissingDataError(f'annotation file {path} does not exist')
    images = read_list(partial(open, path, 'rb'), 'images', path)
    names = [
        image.get('file_name') if isinstance(image, dict) else None
        for image in images
    ]
    if not names or not all(isinstance(name, str) for name in names):
        raise BadDataError(
            f"{path}: its list 'images' is empty or has entries without "
            'file_name; pass a file such as instances_train2017.json'
        )
    above = Path(path).resolve().parents
    folders = [folder / 'images' for folder in above[:_LEVELS]] + [above[0]]
    if image_folder is not None:
        folders = [Path(image_folder)]
    folder = next(
        (each for each in folders if (each / names[0]).is_file()), folders[0]
    )
    files = [str(folder / name) for name in names]
    missing = [file for file in files if not os.path.isfile(file)]
    if missing:
        raise MissingDataError(
            f'{len(missing)} of the {len(files)} images that {path} names '
            f'are not in {folder}, the first: '
            f'{", ".join(missing[:_MOST_LISTED])}; name their folder with '
            '--image-folder, for a config in data_prefix'
        )
    return files


def _of_config(
    path: str, loader: str, no_exec: bool
) -> Iterator[ImageCollection]:
    try:
        config = read_config(path, no_exec)
    except (ConfigParsingError, SyntaxError, OSError) as error:
        raise BadConfigError(f'{path}: {error}') from error
    for name, dataset in dataset_configs(config, loader).items():
        for part in _parts(dataset):
            yield _of_dataset(config, part, f'{path}, {name}')


def _parts(dataset: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The data sets that wrappers such as ConcatDataset hold."""
    inner = dataset.get('datasets') or dataset.get('dataset')
    if inner is None:
        yield dataset
    else:
        for part in [inner] if isinstance(inner, Mapping) else inner:
            yield from _parts(part)


def _of_dataset(
    config: Config, dataset: Mapping[str, Any], name: str
) -> ImageCollection:
    if is_unlabelled(dataset):
        # What its own check leaves out as unreadable has to be told here.
        unchecked = dict(dataset, check_files=False)
        images = build_dataset(config, unchecked, augmented=False)
        files = [
            images.get_data_info(number)['img_path']
            for number in range(len(images))
        ]
        return ImageCollection(f'{name}: unlabelled images', files)
    ann_file, folder = annotations_and_images(dataset)
    return ImageCollection(f'{name}: {ann_file}', _of_coco(ann_file, folder))
