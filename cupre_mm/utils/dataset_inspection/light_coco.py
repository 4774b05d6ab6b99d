"""Boxes of COCO annotation files of any size, without masks in memory.

The polygons are nearly all of a file such as LIVECell's. They are dropped
as they are read, so that what stays is a few numbers an instance.
"""

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.coco_checks import (
    check_images_and_categories,
    check_keys,
    lost_reference,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.json_stream import read_entries, read_list


@dataclass(frozen=True)
class CocoBoxes:
    """Boxes of a COCO file as arrays, N instances in M images.

    Attributes:
        path (Path): The file.
        images (list[dict]): Its M image entries.
        image_of (np.ndarray): Position in ``images`` of each instance's
            image, (N,), int64.
        boxes (np.ndarray): Left, top, width and height in pixels, (N, 4).
        areas (np.ndarray): Mask areas in square pixels, (N,).
        crowds (int): Crowd regions, which are no instances, left out.
        degenerate (int): Instances whose box has no width or no height,
            left out.
    """

    path: Path
    images: list[dict]
    image_of: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowds: int
    degenerate: int

    @property
    def image_sizes(self) -> np.ndarray:
        """Height and width of each image, (M, 2)."""
        return np.array(
            [(image['height'], image['width']) for image in self.images], float
        )

    @property
    def counts(self) -> np.ndarray:
        """Instances of each image, (M,)."""
        return np.bincount(self.image_of, minlength=len(self.images))


def read_boxes(path: str | Path) -> CocoBoxes:
    """Read the boxes of a COCO instance file.

    Args:
        path (str | Path): The file.

    Returns:
        CocoBoxes: Its boxes.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not COCO instance json, or entries lack their
            size, box or area.
    """
    path = _existing(path)
    open_file = partial(path.open, 'rb')
    images = read_list(open_file, 'images', path)
    categories = read_list(open_file, 'categories', path)
    check_images_and_categories(images, categories, path)
    _check_sizes(images, path)
    place = {image['id']: number for number, image in enumerate(images)}
    boxes, areas, image_of = array('d'), array('d'), array('q')
    crowds, lost = 0, []
    for entry in _annotations(path):
        if entry['image_id'] not in place:
            lost.append((entry['image_id'], entry.get('id')))
        elif entry.get('iscrowd'):
            crowds += 1
        else:
            boxes.extend(_numbers(entry, 'bbox', 4, path))
            areas.extend(_numbers(entry, 'area', 1, path))
            image_of.append(place[entry['image_id']])
    if lost:
        raise lost_reference(path, 'image_id', len(lost), *lost[0])
    found = np.array(boxes).reshape(-1, 4)
    good = (found[:, 2:] > 0).all(1)
    return CocoBoxes(
        path=path,
        images=images,
        image_of=np.array(image_of, np.int64)[good],
        boxes=found[good],
        areas=np.array(areas)[good],
        crowds=crowds,
        degenerate=int((~good).sum()),
    )


def read_instances(
    path: str | Path, image_ids: Collection[int | str]
) -> dict[int | str, list[dict]]:
    """Read the whole annotations of some images.

    Args:
        path (str | Path): COCO instance file.
        image_ids (Collection[int | str]): Ids of the images.

    Returns:
        dict[int | str, list[dict]]: Annotations, masks included, by image
        id; an empty list for an image without any.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not COCO instance json.
    """
    found: dict[int | str, list[dict]] = {key: [] for key in image_ids}
    for entry in _annotations(_existing(path)):
        if entry['image_id'] in found:
            found[entry['image_id']].append(entry)
    return found


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(
            f'annotation file {path} does not exist; data/README.md names '
            'the command that makes it'
        )
    return path


def _annotations(path: Path) -> Iterator[dict]:
    entries = read_entries(partial(path.open, 'rb'), 'annotations', path)
    for number, entry in enumerate(entries):
        check_keys([entry], ('image_id',), 'annotation', path, number)
        yield entry


def _numbers(entry: dict, key: str, count: int, path: Path) -> list[float]:
    value = entry.get(key)
    values = value if isinstance(value, list) else [value]
    if len(values) != count or not all(map(_is_number, values)):
        raise BadDataError(
            f'{path}: annotation {entry.get("id")!r} has no usable {key!r} '
            f'(got {value!r}): convert the file anew'
        )
    return values


def _check_sizes(images: list[dict], path: Path) -> None:
    for image in images:
        sizes = [image.get(key) for key in ('height', 'width')]
        if not all(_is_number(size) and size > 0 for size in sizes):
            raise BadDataError(
                f'{path}: image {image["file_name"]!r} has no usable height '
                f'and width (got {sizes}): convert the file anew'
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
