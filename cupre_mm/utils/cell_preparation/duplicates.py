"""Which images are there already, exactly or nearly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cupre_mm.utils.image_hashes import near_pairs


class HashedImage(NamedTuple):
    """What is compared of an image.

    Attributes:
        file (str): Its name.
        digest (str): Of its pixels.
        hash (str): Perceptual hash, in hexadecimal.
        blank (bool): Whether it has no contrast; such an image is near to
            none, only equal to others.
    """

    file: str
    digest: str
    hash: str
    blank: bool = False


class Duplicate(NamedTuple):
    """An image that is not needed.

    Attributes:
        file (str): The image that goes.
        of (str): The one that stays.
        distance (int, optional): Bits in which their perceptual hashes
            differ; None for equal pixels.
    """

    file: str
    of: str
    distance: int | None


def find_duplicates(
    images: Sequence[HashedImage],
    near: int | None = None,
    first: int = 0,
) -> list[Duplicate]:
    """Decide which images go, always keeping the one that comes first.

    An image goes when it is a duplicate of one that stays, so that of a
    chain of images, each near to the next, more than the first may stay.

    Args:
        images (Sequence[HashedImage]): In the order that decides.
        near (int, optional): Most bits in which the perceptual hashes of
            near duplicates differ. Defaults to None: exact ones only.
        first (int): Number of images at the head of the list that stay in
            any case. Defaults to 0.

    Returns:
        list[Duplicate]: In the order of the images.
    """
    kept_digest: dict[str, str] = {}
    dropped: dict[int, Duplicate] = {}
    for i, image in enumerate(images):
        if image.digest in kept_digest and i >= first:
            of = kept_digest[image.digest]
            dropped[i] = Duplicate(image.file, of, None)
        kept_digest.setdefault(image.digest, image.file)
    if near is not None:
        rest = [
            i
            for i, image in enumerate(images)
            if i not in dropped and not image.blank
        ]
        dropped.update(_near(images, rest, near, first))
    return [dropped[i] for i in sorted(dropped)]


def _near(
    images: Sequence[HashedImage], rest: list[int], near: int, first: int
) -> dict[int, Duplicate]:
    if not rest:
        return {}
    hashes = np.array(
        [np.frombuffer(bytes.fromhex(images[i].hash), np.uint8) for i in rest]
    )
    dropped: dict[int, Duplicate] = {}
    # By the later image, so that all earlier ones are decided.
    pairs = sorted(
        ((j, i, d) for i, j, d in near_pairs(hashes, hashes, near) if i < j),
    )
    for later, earlier, distance in pairs:
        i, j = rest[earlier], rest[later]
        if j >= first and i not in dropped and j not in dropped:
            dropped[j] = Duplicate(images[j].file, images[i].file, distance)
    return dropped
