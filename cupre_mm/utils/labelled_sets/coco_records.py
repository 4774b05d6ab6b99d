"""From the objects of an image to its record, and from records to COCO json.

A record is what :func:`cupre_mm.utils.resumable.run_resumable` keeps of an
image: ``file_name``, ``width`` and ``height`` in pixels (None where the image
is left out), ``annotations`` with ``segmentation`` (compressed RLE), ``bbox``
(x, y, w, h) and ``area``, ``cases`` with a list of files or objects by kind,
and whatever else the json is to say of the image in ``attributes``.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.object_rules import ObjectMask, ObjectRules
from cupre_mm.utils.labelled_sets.source_images import store_image

Cases = dict[str, list[str]]
IMAGE_CASES = {
    'unreadable_images': 'images that cannot be used',
    'multi_page_images': 'images of several pages, the first one used',
}


def annotate(mask: ObjectMask, height: int, width: int) -> dict[str, Any]:
    """Encode one object.

    The work grows with the object, not with its image.

    Args:
        mask (ObjectMask): The object.
        height (int): Of the image, in pixels.
        width (int): Of the image, in pixels.

    Returns:
        dict: ``segmentation`` (compressed RLE), ``bbox`` (x, y, w, h) and
        ``area``, as :mod:`pycocotools.mask` gives them for the mask of the
        whole image.
    """
    # RLE counts pixels down the columns.
    columns, rows = np.nonzero(mask.pixels.T)
    places = (columns + mask.left) * height + rows + mask.top
    breaks = np.flatnonzero(np.diff(places) != 1)
    starts = places[np.concatenate(([0], breaks + 1))]
    ends = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    edges = np.stack((starts, ends), axis=1).ravel()
    counts = np.diff(edges, prepend=0, append=height * width)
    if counts[-1] == 0:
        counts = counts[:-1]
    rle = rle_tools.frPyObjects(
        {'size': [height, width], 'counts': counts.tolist()}, height, width
    )
    return {
        'segmentation': {
            'size': [height, width],
            'counts': rle['counts'].decode('ascii'),
        },
        'bbox': [
            mask.left,
            mask.top,
            mask.pixels.shape[1],
            mask.pixels.shape[0],
        ],
        'area': mask.area,
    }


class ImageRecord:
    """The record of one image while it grows.

    Args:
        file_name (str): The image's file below ``OUT/images``.
        rules (ObjectRules): What becomes of odd objects.
        attributes (dict[str, Any], optional): More keys for the image's entry
            in the json. Defaults to None: none.
    """

    def __init__(
        self,
        file_name: str,
        rules: ObjectRules,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self.file_name = file_name
        self.rules = rules
        self.attributes = attributes or {}
        self.cases: Cases = {}
        self.height: int | None = None
        self.width: int | None = None
        self._annotations: list[dict] = []

    def note(self, kind: str, where: str) -> None:
        """Count one case.

        Args:
            kind (str): Of what.
            where (str): The file, or the file and the object in it.
        """
        self.cases.setdefault(kind, []).append(where)

    def store(self, tree: SourceTree, file: str, images: Path) -> bool:
        """Copy the image; one that cannot be used is noted and left out.

        Args:
            tree (SourceTree): The source.
            file (str): The image in it.
            images (Path): ``OUT/images``.

        Returns:
            bool: Whether the image is there, so that objects may be added.
        """
        try:
            stored = store_image(tree, file, images / self.file_name)
        except BadDataError as error:
            self.note('unreadable_images', f'{file}: {error}')
            return False
        self.height, self.width = stored.height, stored.width
        self._claimed = np.zeros((self.height, self.width), bool)  # (H, W)
        if stored.pages > 1:
            self.note('multi_page_images', f'{file} ({stored.pages} pages)')
        return True

    def leave_out(self, images: Path) -> None:
        """Take the image out again, with its objects; its cases stay.

        Args:
            images (Path): ``OUT/images``.
        """
        (images / self.file_name).unlink(missing_ok=True)
        self.height = self.width = None
        self._annotations.clear()

    def add(
        self,
        where: str,
        mask: ObjectMask,
        others: np.ndarray | None = None,
        **keys: Any,
    ) -> None:
        """Add an object, as far as the rules keep it.

        Args:
            where (str): The object's name in the report.
            mask (ObjectMask): The object.
            others (np.ndarray, optional): See :meth:`ObjectRules.apply`.
                Defaults to None.
            **keys (Any): More keys for its annotations.
        """
        kept, cases = self.rules.apply(mask, self.height, self.width, others)
        for kind in cases:
            self.note(kind, where)
        for piece in kept:
            rows, columns = piece.pixels.shape
            claimed = self._claimed[
                piece.top : piece.top + rows, piece.left : piece.left + columns
            ]
            if (claimed & piece.pixels).any():
                self.note('overlapping_masks', where)
            claimed |= piece.pixels
            self.add_region(piece, **keys)

    def add_region(self, mask: ObjectMask, **keys: Any) -> None:
        """Add what is no single object, such as a crowd, without rules.

        Args:
            mask (ObjectMask): The region.
            **keys (Any): More keys for its annotation.
        """
        self._annotations.append(
            {**keys, **annotate(mask, self.height, self.width)}
        )

    def as_dict(self) -> dict[str, Any]:
        """The record; see the module."""
        return {
            'file_name': self.file_name,
            'width': self.width,
            'height': self.height,
            'annotations': self._annotations,
            'cases': self.cases,
            'attributes': self.attributes,
        }


def build_coco(
    records: Sequence[dict], categories: list[dict], **keys: Any
) -> dict[str, Any]:
    """Put the records of all images together.

    Args:
        records (Sequence[dict]): In the order of the image ids, which count
            from 1. An image that is left out keeps its number, so that the
            others' ids do not depend on it.
        categories (list[dict]): The json's.
        **keys (Any): Its other entries, such as ``info``.

    Returns:
        dict: COCO instance json. An annotation without ``category_id`` is of
        the first category, one without ``iscrowd`` is none.
    """
    images, annotations = [], []
    for image_id, record in enumerate(records, 1):
        if record['width'] is None:
            continue
        images.append(
            {
                **record['attributes'],
                'id': image_id,
                'file_name': record['file_name'],
                'width': record['width'],
                'height': record['height'],
            }
        )
        for annotation in record['annotations']:
            annotations.append(
                {
                    'category_id': categories[0]['id'],
                    'iscrowd': 0,
                    **annotation,
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                }
            )
    return {
        **keys,
        'categories': categories,
        'images': images,
        'annotations': annotations,
    }


def collect_cases(records: Iterable[dict], kinds: Iterable[str]) -> Cases:
    """Gather what was met in all images.

    Args:
        records (Iterable[dict]): Of all images.
        kinds (Iterable[str]): All kinds there are.

    Returns:
        dict[str, list[str]]: By kind, in the order of the records.
    """
    cases: Cases = {kind: [] for kind in kinds}
    for record in records:
        for kind, places in record['cases'].items():
            cases[kind] += places
    return cases
