"""Boxes of COCO annotation files of any size, without masks in memory.

The polygons are nearly all of a file such as LIVECell's. They are dropped
as they are read, so that what stays is a few numbers an instance.
"""

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cupre_mm.utils.coco_checks import (
    COCO_LISTS,
    check_images_and_categories,
    check_keys,
    lost_reference,
    no_coco_list,
    not_json,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.json_stream import stream_json


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
    path = Path(path)
    lists: dict[str, list[dict]] = {}
    boxes, areas, slots = array('d'), array('d'), array('q')
    # Annotations may come before the images that they name.
    slot_of: dict[int | str, int] = {}
    crowds = 0
    for key, entries in _stream(path):
        lists.setdefault(key, [])
        if key != 'annotations':
            lists[key] += entries
            continue
        for entry in entries:
            slot = slot_of.setdefault(entry['image_id'], len(slot_of))
            if entry.get('iscrowd'):
                crowds += 1
                continue
            left, top, width, height = _numbers(entry, 'bbox', 4, path)
            boxes.extend((left, top, width, height))
            areas.extend(_numbers(entry, 'area', 1, path))
            slots.append(slot)
    for key in COCO_LISTS:
        if key not in lists:
            raise no_coco_list(path, key)
    images = lists['images']
    check_images_and_categories(images, lists['categories'], path)
    _check_sizes(images, path)
    place = {image['id']: n for n, image in enumerate(images)}
    lost = [key for key in slot_of if key not in place]
    if lost:
        raise lost_reference(path, 'image_id', len(lost), lost[0], 'unknown')
    place_of_slot = np.array([place[key] for key in slot_of], np.int64)
    found = np.array(boxes).reshape(-1, 4)
    image_of = np.array(slots, np.int64)
    good = (found[:, 2:] > 0).all(1)
    return CocoBoxes(
        path=path,
        images=images,
        image_of=place_of_slot[image_of[good]],
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
    for key, entries in _stream(Path(path)):
        if key == 'annotations':
            for entry in entries:
                if entry['image_id'] in found:
                    found[entry['image_id']].append(entry)
    return found


def _stream(path: Path) -> Iterator[tuple[str, list[dict]]]:
    """Some entries at a time of COCO's lists, in the file's order."""
    if not path.is_file():
        raise MissingDataError(
            f'annotation file {path} does not exist; data/README.md names '
            'the command that makes it'
        )
    try:
        with path.open('rb') as file:
            for part in stream_json(file, COCO_LISTS):
                if part.key == 'annotations':
                    check_keys(part.entries, ('image_id',), 'annotation', path)
                elif part.kind is dict:
                    raise no_coco_list(path, part.key)
                yield part.key, part.entries
    except BadDataError:
        raise
    except ValueError as error:
        raise not_json(path, error) from error


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
