"""Digests and hashes that tell whether two images are the same picture."""

import hashlib

import cv2
import imagehash
import numpy as np
from PIL import Image

from cupre_mm.utils.intensity import stretch_to_uint8

HASH_SIDE = 16
HASH_BITS = HASH_SIDE**2
# imagehash.phash takes its cosines of an image four times as wide.
THUMBNAIL_SIDE = 4 * HASH_SIDE

# ITU-R BT.601, by which Pillow and OpenCV turn colour into gray.
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_LOW, _HIGH = 1.0, 99.8
_CHUNK = 4096


def pixel_digest(image: np.ndarray) -> str:
    """SHA-256 of what an image shows, whatever file it came from.

    Two images have the same digest when they have the same size and the same
    pixel values: gray equals RGB with three equal channels, an alpha channel
    does not count, and neither does the number type (the value 7 is the same
    in 8 and 16 bits and as a float).

    Args:
        image (np.ndarray): (H, W) or (H, W, C), any real number type. A
            fourth channel is taken as alpha.

    Returns:
        str: 64 hexadecimal digits.
    """
    pixels = _without_alpha(image)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    pixels = _smallest_type(pixels)
    digest = hashlib.sha256(f'{pixels.shape}{pixels.dtype.str}'.encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def to_gray(image: np.ndarray) -> np.ndarray:
    """Brightness of an image as one channel, its range untouched.

    Args:
        image (np.ndarray): (H, W), or (H, W, C): three channels are RGB, a
            fourth is alpha and does not count, of any other number the mean
            is taken.

    Returns:
        np.ndarray: (H, W), float32; NaN and infinity become 0.
    """
    pixels = _without_alpha(image).astype(np.float32)
    if pixels.ndim == 3:
        rgb = pixels.shape[-1] == 3
        pixels = pixels @ _LUMA if rgb else pixels.mean(axis=-1)
    return np.nan_to_num(pixels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Small gray picture in which exposure, bit depth and size are undone.

    The image is averaged down before its percentiles are taken, so that a
    copy of half the size has the same ones.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), any real number type.

    Returns:
        np.ndarray: (64, 64), uint8; the whole image, its sides scaled each
        for itself. Zeros for a constant image.
    """
    gray = to_gray(image)
    smaller = min(gray.shape) >= THUMBNAIL_SIDE
    small = cv2.resize(
        gray,
        (THUMBNAIL_SIDE, THUMBNAIL_SIDE),
        interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR,
    )
    return stretch_to_uint8(small, _LOW, _HIGH)


def hash_of_thumbnail(small: np.ndarray) -> np.ndarray:
    """The perceptual hash of :func:`thumbnail`'s result.

    Args:
        small (np.ndarray): (64, 64), uint8.

    Returns:
        np.ndarray: (32,), uint8: 256 bits, packed.
    """
    bits = imagehash.phash(Image.fromarray(small), hash_size=HASH_SIDE).hash
    return np.packbits(bits)


def perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Bits that stay nearly the same when an image is only stored otherwise.

    The signs of the 16 x 16 slowest cosines of :func:`thumbnail` (pHash, by
    the ImageHash library). Re-encoding, another bit depth, another exposure
    or size turn few of the 256 bits; compare hashes by the number of bits
    that differ, see :func:`near_pairs`. Rotation, mirroring and cropping
    give another hash.

    Args:
        image (np.ndarray): (H, W) or (H, W, C), any real number type.

    Returns:
        np.ndarray: (32,), uint8: 256 bits, packed.
    """
    return hash_of_thumbnail(thumbnail(image))


def near_pairs(
    a: np.ndarray, b: np.ndarray, max_distance: int
) -> list[tuple[int, int, int]]:
    """All pairs of hashes that differ in few bits.

    Args:
        a (np.ndarray): (N, B), uint8, packed bits.
        b (np.ndarray): (M, B), uint8, packed bits.
        max_distance (int): Most bits in which a pair may differ.

    Returns:
        list[tuple[int, int, int]]: Row of ``a``, row of ``b`` and their
        distance in bits; sorted by the rows.
    """
    if not len(a) or not len(b):
        return []
    signs_b = _signs(b)
    bits = signs_b.shape[1]
    pairs = []
    for start in range(0, len(a), _CHUNK):
        signs_a = _signs(a[start : start + _CHUNK])
        for other in range(0, len(b), _CHUNK):
            # A dot product of signs counts equal bits less unequal ones;
            # such small whole numbers are exact in float32.
            agreement = signs_a @ signs_b[other : other + _CHUNK].T
            distances = ((bits - agreement) / 2).astype(np.int64)  # (n, m)
            for i, j in np.argwhere(distances <= max_distance).tolist():
                pairs.append((start + i, other + j, int(distances[i, j])))
    return sorted(pairs)


def _signs(packed: np.ndarray) -> np.ndarray:
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def _without_alpha(image: np.ndarray) -> np.ndarray:
    if image.ndim == 3 and image.shape[-1] == 4:
        return image[..., :3]
    return image


def _smallest_type(pixels: np.ndarray) -> np.ndarray:
    """The same values in the first type of a fixed list that holds them."""
    if not pixels.size:
        return pixels.astype(np.uint8)
    for kind in ('u1', '<u2', '<i4', '<i8'):
        limits = np.iinfo(kind)
        # NaN fails the comparison, and stays a float.
        if pixels.min() >= limits.min and pixels.max() <= limits.max:
            whole = pixels.astype(kind)
            if pixels.dtype.kind in 'iu' or (whole == pixels).all():
                return whole
    return pixels.astype('<f8')
