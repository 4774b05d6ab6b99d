"""mmdet's COCO data set, with what is wrong said before training starts."""

import logging
import os
from collections import defaultdict
from typing import Any

from mmdet.datasets import CocoDataset
from mmengine.fileio import LocalBackend, get_file_backend, get_local_path
from mmengine.logging import print_log

from cupre_mm.datasets.transforms import LoadCellImage
from cupre_mm.registry import DATASETS
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from cupre_mm.utils.microscopy_io import IMAGE_EXTENSIONS, probe_image
from cupre_mm.utils.packed_annotations.annotation_cache import (
    CocoAnnotations,
    open_annotations,
)
from cupre_mm.utils.packed_annotations.annotation_faults import report_faults
from cupre_mm.utils.packed_annotations.packed_coco import CocoSummary

_MOST_LISTED = 5
# Keys of what is kept of an image until its annotations are asked for.
_POSITION, _IMAGE = '_position', '_raw_img_info'


@DATASETS.register_module()
class CheckedCocoDataset(CocoDataset):
    """:class:`mmdet.datasets.CocoDataset`, checked and in little memory.

    Checked at start-up are: the annotation file and the image folder exist;
    the file is COCO instance json; its categories match
    ``metainfo['classes']``; all images it names are on disk (by listing
    folders, no image is opened); every annotation can be used. Annotations
    that mmdet leaves out without a word, of categories that are not asked
    for, outside their image or too small, are counted in a warning. Checked
    when an image is loaded are: its file is whole; its size is the recorded
    one.

    What the data set gives is what mmdet's gives. But the file is read a few
    MiB at a time, and an image's annotations are unpacked when they are asked
    for: from a cache on disk that all processes share, or, for small files,
    from packed bytes in memory, see
    :mod:`cupre_mm.utils.packed_annotations.annotation_cache`. A
    subclass's ``filter_data`` sees no ``instances``, unless
    ``serialize_data=False`` asks for all of them as objects in memory.

    Args:
        *args: Of :class:`mmdet.datasets.CocoDataset`.
        how_to_get (str, optional): What to tell a user whose data is
            missing: the command that makes it. None takes the class's
            ``HOW_TO_GET``. Defaults to None.
        cache (bool | str, optional): Whether the parsed file is kept on disk
            for the next run: True, False or the folder for it. None does as
            the environment variable ``CUPRE_ANNOTATION_CACHE`` says (``off``
            or a folder), else keeps files of 32 MiB and more in
            ``.cupre_cache`` beside them. Defaults to None.
        **kwargs: Of :class:`mmdet.datasets.CocoDataset`.

    Raises:
        MissingDataError: If the annotation file, the image folder or images
            are not there.
        BadDataError: If the annotation file is not COCO instance json, or
            annotations cannot be used.
        BadConfigError: If no class name matches a category of the file.
    """

    HOW_TO_GET = 'data/README.md says where to get it and what goes where.'

    def __init__(
        self,
        *args: Any,
        how_to_get: str | None = None,
        cache: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.how_to_get = how_to_get or self.HOW_TO_GET
        self.cache = cache
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Check that the data is there, and open the annotations.

        Returns:
            list[dict]: As :meth:`mmdet.datasets.CocoDataset.load_data_list`
            gives it; if data is serialised, without the instances, which
            :meth:`get_data_info` adds.
        """
        self._check_config()
        if self._is_local:
            if not os.path.isfile(self.ann_file):
                raise self._missing('annotation file', self.ann_file)
            if not os.path.isdir(self.data_prefix['img'] or '.'):
                raise self._missing('image folder', self.data_prefix['img'])
        summary, self._packed = self._open()
        self._check_classes(summary)
        classes = self.metainfo['classes']
        categories = summary.categories
        # Names and order of what mmdet's own load_data_list leaves behind.
        self.cat_ids = [c['id'] for c in categories if c['name'] in classes]
        self.cat2label = {cat_id: i for i, cat_id in enumerate(self.cat_ids)}
        self.cat_img_map = {
            category: [summary.images[place]['id'] for place in places]
            for category, places in summary.images_of
        }
        for message in report_faults(
            summary.fault_list(),
            self.ann_file,
            set(self.cat_ids),
            any(getattr(t, 'with_mask', False) for t in self._transforms),
        ):
            self._warn(message)
        if self._is_local:
            self._check_images(summary.images)
        data_list = [
            self._entry(position, {**image, 'img_id': image['id']})
            for position, image in enumerate(summary.images)
        ]
        if not self.serialize_data:
            del self._packed
        return data_list

    def _entry(self, position: int, image: dict) -> dict:
        if not self.serialize_data:
            annotations = self._packed.of_image(position)
            return self.parse_data_info(
                dict(raw_img_info=image, raw_ann_info=annotations)
            )
        entry = self.parse_data_info(dict(raw_img_info=image, raw_ann_info=[]))
        return {**entry, _POSITION: position, _IMAGE: image}

    def get_data_info(self, idx: int) -> dict:
        """Give an image's entry and instances.

        Args:
            idx (int): Place of the image in the data set.

        Returns:
            dict: As :meth:`mmdet.datasets.CocoDataset.get_data_info`.
        """
        info = super().get_data_info(idx)
        if _POSITION not in info:
            return info
        annotations = self._packed.of_image(info.pop(_POSITION))
        parsed = self.parse_data_info(
            dict(raw_img_info=info.pop(_IMAGE), raw_ann_info=annotations)
        )
        return {**info, **parsed}

    def prepare_data(self, idx: int) -> Any:
        """Load and transform an image, and check its file on the way.

        Args:
            idx (int): Place of the image in the data set.

        Returns:
            Any: What the pipeline gives.

        Raises:
            BadDataError: If the image file is broken, or of another size
                than the annotation file says.
        """
        data = self.get_data_info(idx)
        recorded = (data['height'], data['width'])
        path = data['img_path']
        # LoadCellImage refuses broken files itself; OpenCV fills them up.
        if (
            self._is_local
            and self._transforms
            and path.lower().endswith(IMAGE_EXTENSIONS)
            and not any(isinstance(t, LoadCellImage) for t in self._transforms)
        ):
            probe_image(path)
        checked = False
        for transform in self._transforms:
            data = transform(data)
            if data is None:
                return None
            if not checked and isinstance(data, dict) and 'ori_shape' in data:
                self._check_size(path, data['ori_shape'][:2], recorded)
                checked = True
        return data

    @property
    def _transforms(self) -> list:
        return getattr(self.pipeline, 'transforms', [self.pipeline])

    def _open(self) -> CocoAnnotations:
        with get_local_path(
            self.ann_file, backend_args=self.backend_args
        ) as path:
            address = None if self._is_local else self.ann_file
            return open_annotations(path, self.cache, address)

    def _check_config(self) -> None:
        if 'img' not in self.data_prefix:
            raise BadConfigError(
                f'data_prefix={self.data_prefix} does not name the image '
                "folder: write data_prefix=dict(img='images/')"
            )
        classes = self.metainfo['classes']
        if isinstance(classes, str):
            raise BadConfigError(
                f'metainfo: classes={classes!r} is a text, not a list of '
                f'names: write classes=({classes!r},), with the comma'
            )
        try:
            backend = get_file_backend(
                self.ann_file, backend_args=self.backend_args
            )
        except (ImportError, KeyError, TypeError, ValueError) as error:
            raise BadConfigError(
                f'backend_args={self.backend_args} cannot be used: {error}'
            ) from error
        self._is_local = isinstance(backend, LocalBackend)

    def _check_size(
        self, path: str, loaded: tuple[int, int], recorded: tuple[int, int]
    ) -> None:
        if tuple(loaded) != recorded:
            raise BadDataError(
                f'{path} is {loaded[0]} x {loaded[1]} px (height x width), '
                f'but {self.ann_file} says {recorded[0]} x {recorded[1]}: its '
                'boxes and masks do not fit; convert the data set anew'
            )

    def _missing(self, kind: str, path: str) -> MissingDataError:
        return MissingDataError(
            f'{kind} {path} does not exist (from {os.getcwd()}). '
            f'{self.how_to_get}'
        )

    def _check_classes(self, summary: CocoSummary) -> None:
        wanted = list(self.metainfo['classes'])
        names = {cat['id']: cat['name'] for cat in summary.categories}
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
        unused = {
            names[category]: count
            for category, count in summary.counts
            if names[category] not in wanted
        }
        if unused:
            self._warn(
                f'{sum(unused.values())} of its {summary.num_annotations} '
                'annotations are of categories that are not asked for: '
                f'{unused}'
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
