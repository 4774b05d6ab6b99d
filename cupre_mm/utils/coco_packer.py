"""Turns a COCO json of any size into a packed file, in bounded memory."""

import gc
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cupre_mm.utils.annotation_faults import FaultFinder
from cupre_mm.utils.annotation_packing import pack_annotations
from cupre_mm.utils.coco_checks import (
    ANNOTATION_KEYS,
    COCO_LISTS,
    check_images_and_categories,
    check_keys,
    check_unique,
    lost_reference,
    no_coco_list,
    not_json,
)
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_stream import stream_json
from cupre_mm.utils.packed_coco import CocoSummary, PackedWriter

_INT64 = range(-(2**63), 2**63)


def pack_coco(
    path: str | Path, out: BinaryIO, digest: bytes, name: str | Path
) -> None:
    """Read, check and pack an annotation file a few MiB at a time.

    What stays in memory are the images' entries and some numbers for each
    annotation, no polygon. Annotations keyed by id, as in LIVECell's files of
    one cell type, are taken as the list of them.

    Args:
        path (str | Path): The COCO json.
        out (BinaryIO): Where the packed file goes.
        digest (bytes): SHA-256 of the json.
        name (str | Path): What to call the json in messages.

    Raises:
        BadDataError: If it is not COCO json, see
            :func:`~cupre_mm.utils.coco_json.check_coco`, or an image lacks
            its height and width.
    """
    packer = _Packer(out, name)
    try:
        with _uncollected(), Path(path).open('rb') as file:
            for part in stream_json(file, COCO_LISTS):
                packer.take(part.key, part.kind, part.entries)
    except BadDataError:
        raise
    except ValueError as error:
        raise not_json(name, error) from error
    packer.finish(digest)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from searching millions of live objects.

    Parsed json has no cycles; reference counts free it. With torch and mmdet
    imported the searches would take a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Packer:
    """State of :func:`pack_coco`. An image's slot is the order of mention."""

    def __init__(self, out: BinaryIO, name: str | Path) -> None:
        self._writer = PackedWriter(out)
        self._name = name
        self._lists: dict[str, list] = {}
        self._checked = False
        self._faults = FaultFinder()
        self._slots: dict[int | str, int] = {}
        self._ids = array('q')
        self._odd_ids: list[int | str] = []
        self._pairs: Counter[tuple[int | str, int]] = Counter()
        self._first_of: dict[str, dict] = {'image_id': {}, 'category_id': {}}
        self._piece_slots, self._starts = array('q'), array('q')

    def take(self, key: str, kind: type, entries: list) -> None:
        """Take in some entries of one of COCO's lists."""
        if kind is dict and key != 'annotations':
            raise no_coco_list(self._name, key)
        known = self._lists.setdefault(key, [])
        if key != 'annotations':
            known += entries
        elif entries:
            self._take_annotations(entries)

    def _take_annotations(self, entries: list[dict]) -> None:
        count = len(self._ids) + len(self._odd_ids)
        check_keys(entries, ANNOTATION_KEYS, 'annotation', self._name, count)
        for entry in entries:
            value = entry['id']
            if type(value) is int and value in _INT64:
                self._ids.append(value)
            else:
                self._odd_ids.append(value)
        slots = [
            self._slots.setdefault(entry['image_id'], len(self._slots))
            for entry in entries
        ]
        for key, first_of in self._first_of.items():
            for entry in entries:
                first_of.setdefault(entry[key], entry['id'])
        self._pairs.update(
            zip((entry['category_id'] for entry in entries), slots)
        )
        self._faults.look(entries, np.array(slots))
        groups: dict[int, list[dict]] = {}
        for entry, slot in zip(entries, slots):
            groups.setdefault(slot, []).append(entry)
        for slot, group in groups.items():
            self._piece_slots.append(slot)
            self._starts.append(self._writer.position)
            self._writer.write(pack_annotations(group))

    def finish(self, digest: bytes) -> None:
        """Check what needs the whole file, and write what goes last."""
        for key in COCO_LISTS:
            if key not in self._lists:
                raise no_coco_list(self._name, key)
        images, categories = self._lists['images'], self._lists['categories']
        check_images_and_categories(images, categories, self._name)
        self._check_ids()
        place = {image['id']: number for number, image in enumerate(images)}
        self._check_references('image_id', place)
        self._check_references(
            'category_id', {category['id'] for category in categories}
        )
        _check_sizes(images, self._name)
        positions = np.array([place[key] for key in self._slots], np.int64)
        mentioned = [images[position] for position in positions]
        self._faults.judge(mentioned)
        counts: Counter[int | str] = Counter()
        images_of: dict[int | str, list[int]] = {
            category['id']: [] for category in categories
        }
        for (category, slot), count in self._pairs.items():
            counts[category] += count
            images_of[category].append(int(positions[slot]))
        summary = CocoSummary(
            images=images,
            categories=categories,
            counts=list(counts.items()),
            images_of=list(images_of.items()),
            faults=self._faults.found(mentioned),
        )
        arrays = self._index(positions, len(images))
        self._writer.finish(arrays, summary, digest)

    def _index(
        self, positions: np.ndarray, num_images: int
    ) -> list[np.ndarray]:
        """Arrays of :meth:`PackedWriter.finish`."""
        starts = np.array(self._starts, np.int64)
        ends = np.append(starts[1:], self._writer.position)[: len(starts)]
        rows = positions[np.array(self._piece_slots, np.int64)]
        order = np.argsort(rows, kind='stable')
        first = np.searchsorted(rows[order], np.arange(num_images + 1))
        return [first, starts[order], ends[order]]

    def _check_ids(self) -> None:
        ids = np.sort(np.frombuffer(self._ids, np.int64))
        repeated = ids[1:][ids[1:] == ids[:-1]].tolist()
        # Repeated ones alone, as a set of all ids would be large.
        check_unique(
            [*repeated, *repeated, *self._odd_ids], 'annotation id', self._name
        )

    def _check_references(self, key: str, known: dict | set) -> None:
        first_of = self._first_of[key]
        lost = [value for value in first_of if value not in known]
        if not lost:
            return
        slots = {self._slots[value] for value in lost if key == 'image_id'}
        count = sum(
            number
            for (category, slot), number in self._pairs.items()
            if slot in slots or (key == 'category_id' and category in lost)
        )
        raise lost_reference(
            self._name, key, count, lost[0], first_of[lost[0]]
        )


def _check_sizes(images: Sequence[dict], name: str | Path) -> None:
    for key in ('height', 'width'):
        lacking = [image['id'] for image in images if key not in image]
        wrong = [
            image['id']
            for image in images
            if key in image
            and not (type(image[key]) in (int, float) and image[key] > 0)
        ]
        for ids, what in (
            (lacking, f'have no {key!r}'),
            (wrong, f'have a {key!r} that is not a positive number'),
        ):
            if ids:
                raise BadDataError(
                    f'{name}: {len(ids)} of its images {what}, first id '
                    f'{ids[0]!r}: convert the file anew'
                )
