"""One file with the annotations of each image of a COCO json, to map.

The layout: packed annotations, in pieces that hold what one image has in one
window of the json; three arrays that tell which pieces are an image's; json
with the images, the categories and what was found wrong; and a tail of fixed
length with the json's SHA-256, the place of the parts and a checksum.
"""

import json
import mmap
import os
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.packed_annotations.annotation_faults import Fault
from cupre_mm.utils.packed_annotations.annotation_packing import (
    unpack_annotations,
)

# To be changed with the layout, and with what is looked for in a json.
FORMAT = b'cupreC01'
# Format, SHA-256, number of images and of pieces, place of the json, checksum
# of all that comes before.
_TAIL = struct.Struct('<8s32sQQQI')
_CHUNK = 2**20


@dataclass
class CocoSummary:
    """All of a COCO file but its annotations.

    Attributes:
        images (list[dict]): The image entries, in the file's order.
        categories (list[dict]): The categories.
        counts (list): Pairs of a category's id and the number of its
            annotations.
        images_of (list): Pairs of a category's id and the positions in
            ``images`` of those that have it.
        faults (list[dict]): Fields of
            :class:`~cupre_mm.utils.packed_annotations.annotation_faults.Fault`.
    """

    images: list[dict]
    categories: list[dict]
    counts: list[tuple[int | str, int]]
    images_of: list[tuple[int | str, list[int]]]
    faults: list[dict]

    @property
    def num_annotations(self) -> int:
        """All annotations of the file."""
        return sum(count for _, count in self.counts)

    def fault_list(self) -> list[Fault]:
        """The faults as objects."""
        return [Fault(**fault) for fault in self.faults]


class DamagedFileError(ValueError):
    """A packed file that is not whole, or another than was asked for."""


class PackedWriter:
    """Writes the parts of a packed file one after the other.

    Args:
        out (BinaryIO): Where to, at position 0.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._checksum = 0
        self.position = 0

    def write(self, data: bytes) -> None:
        """Append bytes.

        Args:
            data (bytes): The bytes.
        """
        self._out.write(data)
        self._checksum = zlib.crc32(data, self._checksum)
        self.position += len(data)

    def finish(
        self, arrays: list[np.ndarray], summary: CocoSummary, digest: bytes
    ) -> None:
        """Append all that comes after the packed annotations.

        Args:
            arrays (list[np.ndarray]): First piece of each image, with the
                number of all at the end, (N + 1,), and start and end of each
                piece, (M,), in order of the images.
            summary (CocoSummary): The rest of the json.
            digest (bytes): SHA-256 of the json.
        """
        first, starts, _ = arrays
        self.write(bytes(-self.position % 8))
        for array in arrays:
            self.write(array.astype('<i8').tobytes())
        place = self.position
        self.write(json.dumps(asdict(summary)).encode('ascii'))
        sizes = (len(first) - 1, len(starts), place)
        self._out.write(_TAIL.pack(FORMAT, digest, *sizes, self._checksum))


class PackedAnnotations:
    """The annotations of a packed file, by image.

    A file stays on disk and is mapped into memory, so that all processes of
    a machine share it. Pickled and deep copied is only its name.

    Args:
        source (Path | bytes): A packed file, or what one holds.
        digest (bytes): SHA-256 of the json it has to belong to.

    Raises:
        DamagedFileError: If it is of another json or format, or cut short.
        OSError: If it cannot be read.
    """

    def __init__(self, source: Path | bytes, digest: bytes) -> None:
        self._source = source
        self._digest = digest
        data: Any = source
        if isinstance(source, Path):
            with source.open('rb') as file:
                # An empty file cannot be mapped.
                if os.fstat(file.fileno()).st_size < _TAIL.size:
                    raise DamagedFileError(f'{source} is cut short')
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._data = memoryview(data)
        self._end = len(self._data) - _TAIL.size
        tail = _TAIL.unpack_from(self._data, self._end)
        kind, found, images, pieces, self._summary, self._checksum = tail
        start = self._summary - 8 * (images + 1 + 2 * pieces)
        if kind != FORMAT or not 0 <= start <= self._summary <= self._end:
            raise DamagedFileError(f'{source} is damaged or cut short')
        if found != digest:
            raise DamagedFileError(f'{source} is of another json')
        numbers = np.frombuffer(self._data[start : self._summary], '<i8')
        self._first, self._starts, self._ends = np.split(
            numbers, [images + 1, images + 1 + pieces]
        )

    def __reduce__(self) -> tuple:
        return _open_again, (self._source, self._digest)

    def __deepcopy__(self, memo: dict) -> 'PackedAnnotations':
        return self

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return len(self._data)

    def of_image(self, position: int) -> list[dict]:
        """Unpack the annotations of one image.

        Args:
            position (int): The image's place in the json.

        Returns:
            list[dict]: Its annotations in the json's order, made anew at
            each call.
        """
        annotations = []
        for piece in range(self._first[position], self._first[position + 1]):
            data = self._data[self._starts[piece] : self._ends[piece]]
            annotations += unpack_annotations(data)
        return annotations

    def read_summary(self) -> CocoSummary:
        """Read what the file holds beside the annotations.

        Returns:
            CocoSummary: The summary.
        """
        text = bytes(self._data[self._summary : self._end])
        return CocoSummary(**json.loads(text))

    def verify(self) -> None:
        """Read the whole file and compare its checksum.

        Raises:
            DamagedFileError: If a byte has changed.
        """
        checksum = 0
        # Read, not mapped: mapped pages would count as this process's.
        with self._source.open('rb') as file:
            left = self._end
            while left and (data := file.read(min(_CHUNK, left))):
                checksum = zlib.crc32(data, checksum)
                left -= len(data)
        if left or checksum != self._checksum:
            raise DamagedFileError(f'{self._source} is damaged')


def _open_again(source: Path | bytes, digest: bytes) -> PackedAnnotations:
    """Open what another process opened and checked."""
    try:
        return PackedAnnotations(source, digest)
    except (DamagedFileError, OSError) as error:
        raise BadDataError(
            f'the annotation cache changed while it was in use ({error}): '
            'start the run again'
        ) from error
