"""Turns a COCO json of any size into a packed file, in bounded memory."""

import gc
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cupre_mm.utils.coco_checks import (
    ANNOTATION_KEYS,
    check_images_and_categories,
    check_keys,
    check_unique,
    lost_reference,
)
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_stream import read_entries, read_list
from cupre_mm.utils.mask_checks import LARGEST_SIDE
from cupre_mm.utils.packed_annotations.annotation_faults import FaultFinder
from cupre_mm.utils.packed_annotations.annotation_packing import (
    pack_annotations,
)
from cupre_mm.utils.packed_annotations.packed_coco import (
    CocoSummary,
    PackedWriter,
)

# Annotations that are in memory at a time.
_BATCH = 1000
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
    open_file = partial(Path(path).open, 'rb')
    with _uncollected():
        images = read_list(open_file, 'images', name)
        categories = read_list(open_file, 'categories', name)
        check_images_and_categories(images, categories, name)
        packer = _Packer(out, images, categories, name)
        entries = read_entries(open_file, 'annotations', name)
        while batch := list(islice(entries, _BATCH)):
            packer.take(batch)
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
    """State of :func:`pack_coco`."""

    def __init__(
        self,
        out: BinaryIO,
        images: list[dict],
        categories: list[dict],
        name: str | Path,
    ) -> None:
        self._writer = PackedWriter(out)
        self._images, self._categories = images, categories
        self._name = name
        self._place = {
            image['id']: number for number, image in enumerate(images)
        }
        self._known = {
            'image_id': self._place,
            'category_id': {category['id'] for category in categories},
        }
        # By key: how many, what the first of them names, and its id.
        self._lost: dict[str, list[Any]] = {}
        self._faults = FaultFinder()
        self._ids = array('q')
        self._odd_ids: list[int | str] = []
        self._pairs: Counter[tuple[int | str, int]] = Counter()
        self._piece_images, self._starts = array('q'), array('q')

    def take(self, entries: list[dict]) -> None:
        """Take in the annotations that come next."""
        count = len(self._ids) + len(self._odd_ids)
        check_keys(entries, ANNOTATION_KEYS, 'annotation', self._name, count)
        for entry in entries:
            value = entry['id']
            if type(value) is int and value in _INT64:
                self._ids.append(value)
            else:
                self._odd_ids.append(value)
        for key, known in self._known.items():
            for entry in entries:
                if entry[key] not in known:
                    lost = [0, entry[key], entry['id']]
                    self._lost.setdefault(key, lost)[0] += 1
        if self._lost:
            # The file will be refused; what goes on is the count.
            return
        places = [self._place[entry['image_id']] for entry in entries]
        self._pairs.update(
            zip((entry['category_id'] for entry in entries), places)
        )
        self._faults.look(entries, np.array(places))
        groups: dict[int, list[dict]] = {}
        for entry, place in zip(entries, places):
            groups.setdefault(place, []).append(entry)
        for place, group in groups.items():
            self._piece_images.append(place)
            self._starts.append(self._writer.position)
            self._writer.write(pack_annotations(group))

    def finish(self, digest: bytes) -> None:
        """Check what needs the whole file, and write what goes last."""
        self._check_ids()
        for key in self._known:
            if key in self._lost:
                raise lost_reference(self._name, key, *self._lost[key])
        _check_sizes(self._images, self._name)
        self._faults.judge(self._images)
        counts: Counter[int | str] = Counter()
        images_of: dict[int | str, list[int]] = {
            category['id']: [] for category in self._categories
        }
        for (category, place), count in self._pairs.items():
            counts[category] += count
            images_of[category].append(place)
        summary = CocoSummary(
            images=self._images,
            categories=self._categories,
            counts=list(counts.items()),
            images_of=list(images_of.items()),
            faults=self._faults.found(self._images),
        )
        self._writer.finish(self._index(), summary, digest)

    def _index(self) -> list[np.ndarray]:
        """Arrays of :meth:`PackedWriter.finish`."""
        starts = np.array(self._starts, np.int64)
        ends = np.append(starts[1:], self._writer.position)[: len(starts)]
        images = np.array(self._piece_images, np.int64)
        order = np.argsort(images, kind='stable')
        first = np.searchsorted(
            images[order], np.arange(len(self._images) + 1)
        )
        return [first, starts[order], ends[order]]

    def _check_ids(self) -> None:
        ids = np.sort(np.frombuffer(self._ids, np.int64))
        repeated = ids[1:][ids[1:] == ids[:-1]].tolist()
        # Repeated ones alone, as a set of all ids would be large.
        check_unique(
            [*repeated, *repeated, *self._odd_ids], 'annotation id', self._name
        )


def _check_sizes(images: Sequence[dict], name: str | Path) -> None:
    for key in ('height', 'width'):
        lacking = [image['id'] for image in images if key not in image]
        wrong = [
            image['id']
            for image in images
            if key in image
            and not (
                type(image[key]) in (int, float)
                and 0 < image[key] <= LARGEST_SIDE
            )
        ]
        for ids, what in (
            (lacking, f'have no {key!r}'),
            (
                wrong,
                f'have a {key!r} that is not a positive number up to '
                f'{LARGEST_SIDE}',
            ),
        ):
            if ids:
                raise BadDataError(
                    f'{name}: {len(ids)} of its images {what}, first id '
                    f'{ids[0]!r}: convert the file anew'
                )
