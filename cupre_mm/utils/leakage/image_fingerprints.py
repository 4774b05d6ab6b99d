"""What is kept of an image file to recognise its copies."""

import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.image_hashes import (
    hash_of_thumbnail,
    pixel_digest,
    thumbnail,
)
from cupre_mm.utils.microscopy_io import read_image
from cupre_mm.utils.resumable import run_resumable

# Index k of a fingerprint's hashes belongs to turn(image, k).
ORIENTATIONS = (
    'as stored',
    'rotated 90',
    'rotated 180',
    'rotated 270',
    'mirrored',
    'mirrored, rotated 90',
    'mirrored, rotated 180',
    'mirrored, rotated 270',
)
DETAIL_SIDE = 32

# Part of every journal record: a record of other code is done anew.
_VERSION = 1


class ImageFile(NamedTuple):
    """A file to take the fingerprint of.

    Attributes:
        name (str): Its path.
        fingerprint (str): Changes when the file does: its size and time.
    """

    name: str
    fingerprint: str


@dataclass(frozen=True)
class ImageFingerprint:
    """What is kept of an image.

    Attributes:
        path (str): The file.
        digest (str): :func:`~cupre_mm.utils.image_hashes.pixel_digest`.
        hashes (np.ndarray): (8, 32), uint8: the perceptual hash of the image
            in each of :data:`ORIENTATIONS`.
        detail (np.ndarray): (32, 32), uint8: its thumbnail.
    """

    path: str
    digest: str
    hashes: np.ndarray
    detail: np.ndarray


def turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Mirror left to right, then rotate counter-clockwise.

    Args:
        image (np.ndarray): (H, W) or (H, W, C).
        orientation (int): Index into :data:`ORIENTATIONS`.

    Returns:
        np.ndarray: The image in that orientation.
    """
    mirrored, quarters = divmod(orientation, 4)
    image = image[:, ::-1] if mirrored else image
    return np.ascontiguousarray(np.rot90(image, quarters))


def take_fingerprints(
    files: Sequence[str], workers: int, cache: Path | None = None
) -> tuple[dict[str, ImageFingerprint], dict[str, str]]:
    """Read images and take their fingerprints, with a bar and an ETA.

    Args:
        files (Sequence[str]): Image files; one that comes twice is read once.
        workers (int): Processes.
        cache (Path, optional): Journal in which fingerprints are kept; those
            of files whose size and time are unchanged are not taken again.
            A journal holds one set of files: those of others go. Defaults to
            None: nothing is kept.

    Returns:
        tuple[dict[str, ImageFingerprint], dict[str, str]]: Fingerprints by
        path, and for the files that cannot be read the reason by path.
    """
    items = [_image_file(path) for path in dict.fromkeys(files)]
    with tempfile.TemporaryDirectory() as scratch:
        records, _ = run_resumable(
            items,
            _fingerprint,
            cache or Path(scratch) / 'fingerprints.jsonl',
            workers,
            # What could not be read may be readable now.
            is_whole=lambda record: 'error' not in record,
        )
    bad = {
        path: record['error']
        for path, record in records.items()
        if 'error' in record
    }
    good = {
        path: ImageFingerprint(
            path=path,
            digest=record['digest'],
            hashes=_unpack(record['hashes'], len(ORIENTATIONS)),
            detail=_unpack(record['detail'], DETAIL_SIDE),
        )
        for path, record in records.items()
        if path not in bad
    }
    return good, bad


def _image_file(path: str) -> ImageFile:
    try:
        stat = os.stat(path)
    except OSError:
        return ImageFile(path, 'missing')
    return ImageFile(path, f'{_VERSION}-{stat.st_size}-{stat.st_mtime_ns}')


def _fingerprint(_: Any, file: ImageFile) -> dict:
    try:
        image = read_image(file.name)
    except (BadDataError, MissingDataError) as error:
        return {'error': str(error)}
    small = thumbnail(image)
    hashes = [
        hash_of_thumbnail(turn(small, orientation))
        for orientation in range(len(ORIENTATIONS))
    ]
    detail = cv2.resize(
        small, (DETAIL_SIDE, DETAIL_SIDE), interpolation=cv2.INTER_AREA
    )
    return {
        'digest': pixel_digest(image),
        'hashes': _pack(np.stack(hashes)),
        'detail': _pack(detail),
    }


def _pack(values: np.ndarray) -> str:
    return b64encode(values.tobytes()).decode('ascii')


def _unpack(text: str, rows: int) -> np.ndarray:
    return np.frombuffer(b64decode(text), np.uint8).reshape(rows, -1)
