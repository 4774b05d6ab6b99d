"""COCO annotations as compact bytes, and back without a bit's difference.

Nearly all of a large annotation file is the coordinates of polygons. They
are packed as one array of 4-byte numbers where every one of them is whole or
has at most two decimals, as in COCO and LIVECell, else of 8-byte numbers;
all else stays json. Neither runs code when read, unlike pickle.
"""

import json
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

_LENGTH = struct.Struct('<I')
_MOST_HUNDREDTHS = 2**31 - 1
# float64 holds every whole number up to here.
_EXACT_INTEGERS = 2**53


def pack_annotations(annotations: Sequence[dict]) -> bytes:
    """Pack annotations.

    Args:
        annotations (Sequence[dict]): Entries of a COCO file, as json gave
            them. Their polygons are taken out of them.

    Returns:
        bytes: What :func:`unpack_annotations` reads.
    """
    shapes: list[list[int] | None] = []
    polygons: list[list] = []
    for annotation in annotations:
        parts = annotation.get('segmentation')
        if _are_polygons(parts):
            shapes.append([len(polygon) for polygon in parts])
            polygons += parts
        else:
            shapes.append(None)
    numbers = list(chain.from_iterable(polygons))
    packed = _pack_numbers(numbers)
    if packed is None:
        shapes, kind, coordinates = [], '', b''
    else:
        kind, coordinates = packed
        for annotation, shape in zip(annotations, shapes):
            if shape is not None:
                del annotation['segmentation']
    rest = json.dumps(
        [annotations, shapes, kind, len(numbers)], separators=(',', ':')
    ).encode('ascii')
    return _LENGTH.pack(len(rest)) + rest + coordinates


def unpack_annotations(data: bytes | memoryview) -> list[dict]:
    """Give back what :func:`pack_annotations` was given.

    Args:
        data (bytes | memoryview): The bytes.

    Returns:
        list[dict]: The annotations; numbers have their types and bits, the
        order of keys within an annotation may differ.
    """
    (length,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + length
    annotations, shapes, kind, count = json.loads(
        bytes(data[_LENGTH.size : start])
    )
    if not shapes:
        return annotations
    numbers = _unpack_numbers(data[start:], kind, count)
    position = 0
    for annotation, shape in zip(annotations, shapes):
        if shape is None:
            continue
        parts = []
        for size in shape:
            parts.append(numbers[position : position + size])
            position += size
        annotation['segmentation'] = parts
    return annotations


def _are_polygons(parts: Any) -> bool:
    return isinstance(parts, list) and all(
        isinstance(part, list) for part in parts
    )


def _pack_numbers(numbers: list) -> tuple[str, bytes] | None:
    """Kind and bytes of numbers; None where they cannot be packed."""
    types = set(map(type, numbers))
    if not types <= {int, float}:
        return None
    if int in types and not all(
        abs(number) < _EXACT_INTEGERS
        for number in numbers
        if type(number) is int
    ):
        return None
    values = np.fromiter(numbers, np.float64, len(numbers))
    kind, coordinates = _pack_floats(values)
    if types == {int}:
        kind += 'i'
    elif int in types:
        are_whole = [type(number) is int for number in numbers]
        kind += 'm'
        coordinates += np.packbits(are_whole).tobytes()
    return kind, coordinates


def _pack_floats(values: np.ndarray) -> tuple[str, bytes]:
    with np.errstate(invalid='ignore', over='ignore'):
        hundredths = np.rint(values * 100)
    if (np.abs(hundredths) <= _MOST_HUNDREDTHS).all():
        whole = hundredths.astype('<i4')
        # Comparing bits tells -0.0 from 0.0.
        bits = (whole / 100).view(np.int64)
        if np.array_equal(bits, values.view(np.int64)):
            return 'h', whole.tobytes()
    return 'd', values.astype('<f8').tobytes()


def _unpack_numbers(data: memoryview, kind: str, count: int) -> list:
    if kind[0] == 'h':
        values = np.frombuffer(data, '<i4', count) / 100
        end = 4 * count
    else:
        values = np.frombuffer(data, '<f8', count)
        end = 8 * count
    if kind[1:] == 'i':
        return values.astype(np.int64).tolist()
    numbers = values.tolist()
    if kind[1:] == 'm':
        bits = np.frombuffer(data[end:], np.uint8)
        for index in np.flatnonzero(np.unpackbits(bits, count=count)):
            numbers[index] = int(numbers[index])
    return numbers
