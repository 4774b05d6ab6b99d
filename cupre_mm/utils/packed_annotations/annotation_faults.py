"""Finds annotations that mmdet would trip over or drop without a word."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle_tools

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.mask_checks import (
    are_coordinates,
    are_finite,
    fills_image,
    is_polygon,
    is_side,
)

# Tools differ in whether a box ends at the last pixel or behind it, and in
# rounding.
_TOLERANCE = 1.0
_GOOD, _NO_MASK, _EMPTY_MASK, _BAD_MASK = range(4)
# Faults that end the run.
_FATAL = {
    'no_bbox': "of its annotations have no 'bbox'",
    'no_area': "of its annotations have no 'area'",
    'bad_bbox': "of its annotations have a 'bbox' that is not four numbers",
    'bad_area': "of its annotations have an 'area' that is not a number",
    'bad_mask': 'of its annotations have a segmentation that is neither '
    'polygons nor run lengths that fill it',
    'no_mask': 'of its annotations have no segmentation, and the pipeline '
    'loads masks',
    'other_size_mask': 'of its masks are of another size than their image',
}
_CONVERT = 'convert the file anew'
_MEND = {
    'no_mask': 'remove them, or set with_mask=False to train on boxes alone'
}
_NOTED = {
    'outside': 'boxes lie wholly outside their image and are left out, as in '
    'mmdet',
    'too_small': 'annotations have no area or a box under 1 px and are left '
    'out, as in mmdet',
    'beyond': 'boxes reach more than 1 px beyond their image; they are kept, '
    'and clipped where the pipeline resizes them, as in mmdet',
    'empty_mask': 'masks are empty: no pixel in the run lengths, or no '
    'polygon of three points; as in mmdet, the latter are ignored in training',
}


@dataclass
class Fault:
    """How often one thing is wrong with the annotations of one category.

    Attributes:
        kind (str): What is wrong.
        category_id (int | str): The category; None for what spoils the file
            whatever its categories.
        count (int): Annotations.
        first_id (int | str): Id of the first of them.
        image (str): File name of its image.
        detail (str): More about the first.
    """

    kind: str
    category_id: int | str | None
    count: int
    first_id: int | str
    image: str
    detail: str = ''


class FaultFinder:
    """Looks at annotations a batch at a time, before their images are known.

    What a verdict needs of an annotation waits as some 50 bytes until
    :meth:`judge` is called.
    """

    def __init__(self) -> None:
        self._faults: dict[tuple, Fault] = {}
        self._slots: dict[tuple, int] = {}
        self._waiting: list[_Batch] = []

    def look(self, annotations: Sequence[dict], slots: np.ndarray) -> None:
        """Take in a batch.

        Args:
            annotations (Sequence[dict]): COCO annotations with an ``id`` and
                a ``category_id``.
            slots (np.ndarray): Number of each one's image, (N,), int.
        """
        masks = np.zeros(len(annotations), np.uint8)
        sizes = np.zeros((len(annotations), 2), np.int32)
        for index, annotation in enumerate(annotations):
            mask = annotation.get('segmentation')
            if isinstance(mask, dict):
                masks[index], sizes[index] = _check_rle(mask)
            else:
                masks[index] = _check_polygons(mask)
        boxes = self._numbers(annotations, slots, 'bbox', 4)
        areas = self._numbers(annotations, slots, 'area', 1)
        ignored = [bool(ann.get('ignore', False)) for ann in annotations]
        categories = _column([ann['category_id'] for ann in annotations])
        self._waiting.append(
            _Batch(
                ids=_column([ann['id'] for ann in annotations]),
                categories=categories,
                slots=slots,
                boxes=boxes,
                small=(areas[:, 0] <= 0) | (boxes[:, 2:] < 1).any(axis=1),
                ignored=np.array(ignored, bool),
                masks=masks,
                mask_sizes=sizes if sizes.any() else None,
            )
        )

    def judge(self, images: Sequence[dict]) -> None:
        """Judge what waits, now that the images are known.

        Args:
            images (Sequence[dict]): ``height`` and ``width`` in pixels of
                the image of each slot.
        """
        if not self._waiting:
            return
        limits = np.array(
            [(image['width'], image['height']) for image in images], float
        )
        for batch in self._waiting:
            self._judge(batch, limits)
        self._waiting.clear()

    def found(self, images: Sequence[dict]) -> list[dict]:
        """Give all faults, as json can hold them.

        Args:
            images (Sequence[dict]): The image of each slot.

        Returns:
            list[dict]: The fields of each :class:`Fault`.
        """
        for key, fault in self._faults.items():
            fault.image = str(images[self._slots[key]].get('file_name'))
        return [asdict(fault) for fault in self._faults.values()]

    def _judge(self, batch: '_Batch', limits: np.ndarray) -> None:
        size = limits[batch.slots]  # (N, 2): width, height
        start, end = (
            batch.boxes[:, :2],
            batch.boxes[:, :2] + batch.boxes[:, 2:],
        )
        overlap = np.minimum(end, size) - np.maximum(start, 0)
        small = batch.small & ~batch.ignored
        outside = (overlap <= 0).any(axis=1) & ~batch.ignored & ~small
        kept = ~(batch.ignored | outside | small)
        beyond = (start < -_TOLERANCE) | (end > size + _TOLERANCE)
        self._count('outside', batch, outside)
        self._count('too_small', batch, small)
        self._count('beyond', batch, kept & beyond.any(axis=1))
        self._count('no_mask', batch, kept & (batch.masks == _NO_MASK))
        self._count('empty_mask', batch, kept & (batch.masks == _EMPTY_MASK))
        self._count('bad_mask', batch, kept & (batch.masks == _BAD_MASK))
        if batch.mask_sizes is None:
            return
        has_size = (batch.mask_sizes > 0).all(axis=1)
        differs = (batch.mask_sizes != size[:, ::-1]).any(axis=1)
        for index in np.flatnonzero(kept & has_size & differs):
            height, width = batch.mask_sizes[index]
            self._note(
                'other_size_mask',
                *batch.key(index),
                f'mask {height} x {width}, image {size[index, 1]:.0f} x '
                f'{size[index, 0]:.0f} (height x width)',
            )

    def _count(self, kind: str, batch: '_Batch', where: np.ndarray) -> None:
        for index in np.flatnonzero(where):
            self._note(kind, *batch.key(index))

    def _note(
        self,
        kind: str,
        category: int | str | None,
        annotation_id: int | str,
        slot: int,
        detail: str = '',
    ) -> None:
        key = (kind, category)
        if key not in self._faults:
            self._faults[key] = Fault(
                kind, category, 0, annotation_id, '', detail
            )
            self._slots[key] = int(slot)
        self._faults[key].count += 1

    def _numbers(
        self,
        annotations: Sequence[dict],
        slots: np.ndarray,
        key: str,
        count: int,
    ) -> np.ndarray:
        """A key's values as an array (N, count); faulty ones become 0."""
        values = [annotation.get(key) for annotation in annotations]
        rows = values if count > 1 else [[value] for value in values]
        if not (
            set(map(type, rows)) == {list}
            and set(map(len, rows)) == {count}
            and set(map(type, chain.from_iterable(rows))) <= {int, float}
            and are_finite(list(chain.from_iterable(rows)))
        ):
            rows = list(rows)
            for index, row in enumerate(rows):
                if (
                    isinstance(row, list)
                    and len(row) == count
                    and {type(value) for value in row} <= {int, float}
                    and are_finite(row)
                ):
                    continue
                annotation = annotations[index]
                kind = f'bad_{key}' if key in annotation else f'no_{key}'
                self._note(kind, None, annotation['id'], slots[index])
                rows[index] = [0] * count
        return np.array(rows, np.float64)


def report_faults(
    faults: Sequence[Fault],
    path: str | Path,
    categories: set[int | str],
    with_masks: bool,
) -> list[str]:
    """Say what is wrong with the annotations that are used.

    Args:
        faults (Sequence[Fault]): All faults of the file.
        path (str | Path): The file.
        categories (set[int | str]): Ids of the categories that are used.
        with_masks (bool): Whether masks are loaded.

    Returns:
        list[str]: What mmdet does not say, to warn of.

    Raises:
        BadDataError: At what cannot be trained or evaluated on.
    """
    used = [
        fault
        for fault in faults
        if (fault.category_id is None or fault.category_id in categories)
        and (with_masks or fault.kind != 'no_mask')
    ]
    for kind, text in _FATAL.items():
        total = _total(kind, used)
        if total:
            mend = _MEND.get(kind, _CONVERT)
            raise BadDataError(f'{path}: {_sentence(total, text)}: {mend}')
    totals = [(_total(kind, used), text) for kind, text in _NOTED.items()]
    return [_sentence(total, text) for total, text in totals if total]


def _total(kind: str, faults: Sequence[Fault]) -> Fault | None:
    alike = [fault for fault in faults if fault.kind == kind]
    if not alike:
        return None
    first = Fault(**asdict(alike[0]))
    first.count = sum(fault.count for fault in alike)
    return first


def _sentence(fault: Fault, text: str) -> str:
    detail = f': {fault.detail}' if fault.detail else ''
    return (
        f'{fault.count} {text}, first id {fault.first_id!r} in image '
        f'{fault.image}{detail}'
    )


@dataclass
class _Batch:
    """What is to be judged of N annotations, see :class:`FaultFinder`."""

    ids: np.ndarray
    categories: np.ndarray
    slots: np.ndarray
    boxes: np.ndarray  # (N, 4): x, y, width, height
    small: np.ndarray
    ignored: np.ndarray
    masks: np.ndarray
    mask_sizes: np.ndarray | None  # (N, 2): height, width of run lengths

    def key(self, index: int) -> tuple[Any, Any, int]:
        """Category, id and image slot of one annotation."""
        return (
            self.categories[index : index + 1].tolist()[0],
            self.ids[index : index + 1].tolist()[0],
            int(self.slots[index]),
        )


def _column(values: list) -> np.ndarray:
    """An array whose ``tolist`` gives the same values back."""
    try:
        plain = set(map(type, values)) <= {int}
        return np.array(values, np.int64 if plain else object)
    except OverflowError:
        return np.array(values, object)


def _check_polygons(parts: Any) -> int:
    if not parts:
        return _NO_MASK
    if not isinstance(parts, list):
        return _BAD_MASK
    found = _EMPTY_MASK
    for part in parts:
        if is_polygon(part):
            found = _GOOD
        elif not isinstance(part, list) or (
            part and not are_coordinates(part)
        ):
            return _BAD_MASK
    return found


def _check_rle(mask: dict) -> tuple[int, tuple[int, int]]:
    """Verdict, and height and width; zeros where they cannot be told."""
    if not mask:
        return _NO_MASK, (0, 0)
    size, counts = mask.get('size'), mask.get('counts')
    if not isinstance(size, list) or len(size) != 2:
        return _BAD_MASK, (0, 0)
    height, width = size
    if not (is_side(height) and is_side(width)):
        return _BAD_MASK, (0, 0)
    pixels = height * width
    if not fills_image(counts, pixels):
        return _BAD_MASK, (0, 0)
    if isinstance(counts, list):
        # Runs of background and object in turn.
        found = any(counts[1::2])
    else:
        found = rle_tools.area({'size': size, 'counts': counts})
    return (_GOOD if found else _EMPTY_MASK), (height, width)
