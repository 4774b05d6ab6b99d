"""mmdet's COCO data set, with what is wrong said before training starts."""

import logging
import os
from collections import Counter, defaultdict
from typing import Any

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmengine.logging import print_log

from cupre_mm.registry import DATASETS
from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)

_MOST_LISTED = 5
# What mmdet reads of every entry without asking.
_NEEDED_KEYS = {
    'images': ('height', 'width'),
    'annotations': ('bbox', 'area'),
}


@DATASETS.register_module()
class CheckedCocoDataset(CocoDataset):
    """:class:`mmdet.datasets.CocoDataset` that checks its data at start-up.

    Checked are: the annotation file and the image folder exist; the file is
    COCO instance json; its categories match ``metainfo['classes']``; all
    images it names are on disk (by listing folders, no image is opened).
    Annotations of categories that are not asked for are counted in a
    warning, since mmdet leaves them out without a word.

    Args:
        *args: Of :class:`mmdet.datasets.CocoDataset`.
        how_to_get (str, optional): What to tell a user whose data is
            missing: the command that makes it. None takes the class's
            ``HOW_TO_GET``. Defaults to None.
        **kwargs: Of :class:`mmdet.datasets.CocoDataset`.

    Raises:
        MissingDataError: If the annotation file, the image folder or images
            are not there.
        BadDataError: If the annotation file is not COCO instance json.
        BadConfigError: If no class name matches a category of the file.
    """

    HOW_TO_GET = 'data/README.md says where to get it and what goes where.'

    def __init__(
        self, *args: Any, how_to_get: str | None = None, **kwargs: Any
    ) -> None:
        self.how_to_get = how_to_get or self.HOW_TO_GET
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Check that the data is there, then load as mmdet does.

        Returns:
            list[dict]: See :meth:`mmdet.datasets.CocoDataset.load_data_list`.
        """
        if 'img' not in self.data_prefix:
            raise BadConfigError(
                f'data_prefix={self.data_prefix} does not name the image '
                "folder: write data_prefix=dict(img='images/')"
            )
        if self._is_local:
            if not os.path.isfile(self.ann_file):
                raise self._missing('annotation file', self.ann_file)
            if not os.path.isdir(self.data_prefix['img'] or '.'):
                raise self._missing('image folder', self.data_prefix['img'])
        return super().load_data_list()

    @property
    def _is_local(self) -> bool:
        return self.backend_args is None

    def _missing(self, kind: str, path: str) -> MissingDataError:
        return MissingDataError(
            f'{kind} {path} does not exist (from {os.getcwd()}). '
            f'{self.how_to_get}'
        )

    def _open_annotations(self, path: str) -> COCO:
        """Read and check the file once, for what mmdet calls ``COCOAPI``."""
        coco = COCO()
        coco.dataset, _ = read_coco(path)
        self._check_keys(coco.dataset)
        self._check_classes(coco.dataset)
        if self._is_local:
            self._check_images(coco.dataset['images'])
        coco.createIndex()
        coco.img_ann_map = coco.imgToAnns
        coco.cat_img_map = coco.catToImgs
        return coco

    COCOAPI = _open_annotations

    def _check_keys(self, dataset: dict) -> None:
        for part, keys in _NEEDED_KEYS.items():
            for key in keys:
                lacking = [e['id'] for e in dataset[part] if key not in e]
                if lacking:
                    raise BadDataError(
                        f'{self.ann_file}: {len(lacking)} of its {part} have '
                        f'no {key!r}, first id {lacking[0]!r}: convert the '
                        'file anew'
                    )

    def _check_classes(self, dataset: dict) -> None:
        wanted = list(self.metainfo['classes'])
        names = {cat['id']: cat['name'] for cat in dataset['categories']}
        found = [name for name in names.values() if name in wanted]
        if not found:
            raise BadConfigError(
                f'none of the class names {wanted} is a category of '
                f'{self.ann_file}, which has {list(names.values())}: set '
                "metainfo=dict(classes=(...,)) to the file's names"
            )
        lacking = [name for name in wanted if name not in found]
        if lacking:
            self._warn(
                f'has no category {lacking}; the other {len(found)} of '
                f'{len(wanted)} classes are used, numbered without gaps'
            )
        elif found != wanted:
            self._warn(
                f'lists its categories as {found}; mmdet numbers labels in '
                f'that order, not in that of classes={wanted}'
            )
        unused = Counter(
            names[annotation['category_id']]
            for annotation in dataset['annotations']
            if names[annotation['category_id']] not in wanted
        )
        if unused:
            self._warn(
                f'{sum(unused.values())} of its '
                f'{len(dataset["annotations"])} annotations are of '
                f'categories that are not asked for: {dict(unused)}'
            )

    def _warn(self, message: str) -> None:
        print_log(
            f'{type(self).__name__}: {self.ann_file}: {message}.',
            logger='current',
            level=logging.WARNING,
        )

    def _check_images(self, images: list[dict]) -> None:
        folder = self.data_prefix['img']
        names_in: dict[str, list[str]] = defaultdict(list)
        for image in images:
            parent, name = os.path.split(
                os.path.join(folder, image['file_name'])
            )
            names_in[parent].append(name)
        absent = []
        for parent, names in names_in.items():
            there = set(os.listdir(parent or '.')) if _exists(parent) else {}
            absent += [
                os.path.join(parent, name)
                for name in names
                if name not in there
            ]
        if absent:
            raise MissingDataError(
                f'{len(absent)} of the {len(images)} images that '
                f'{self.ann_file} names do not exist, the first: '
                f'{", ".join(absent[:_MOST_LISTED])}. {self.how_to_get}'
            )


def _exists(folder: str) -> bool:
    return os.path.isdir(folder or '.')
