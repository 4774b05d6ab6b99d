"""Digests and hashes that tell whether two images are the same picture."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils import image_hashes
from cupre_mm.utils.image_hashes import (
    near_pairs,
    perceptual_hash,
    pixel_digest,
    to_gray,
)
from tests.blob_images import blob_image


def _distance(a, b):
    hashes = perceptual_hash(a)[None], perceptual_hash(b)[None]
    return near_pairs(*hashes, image_hashes.HASH_BITS)[0][2]


def _jpeg(image):
    content = io.BytesIO()
    Image.fromarray(image).save(content, 'JPEG', quality=75)
    return np.asarray(Image.open(content))


def test_digest_is_that_of_the_values_not_of_their_storage():
    gray = blob_image(0)
    rgb = np.stack([gray] * 3, axis=-1)
    alpha = np.full_like(gray, 9)[..., None]
    same = [
        gray[..., None],
        rgb,
        np.concatenate([rgb, alpha], axis=-1),
        gray.astype(np.uint16),
        gray.astype('>i4'),
        gray.astype(np.float32),
        np.asfortranarray(gray),
    ]
    assert {pixel_digest(image) for image in same} == {pixel_digest(gray)}


def test_digest_tells_other_values_sizes_and_colours_apart():
    gray = blob_image(0)
    one_off = gray.copy()
    one_off[3, 4] += 1
    coloured = np.stack([gray, gray, one_off], axis=-1)
    images = [
        gray,
        one_off,
        coloured,
        coloured[..., ::-1],
        gray.reshape(gray.shape[::-1]),
        gray / 256,
        gray.astype(np.uint16) * 256,
        np.where(gray > 50, np.nan, gray),
        -gray.astype(np.int16),
    ]
    assert len({pixel_digest(image) for image in images}) == len(images)


@pytest.mark.parametrize(
    'store',
    [
        _jpeg,
        lambda image: image.astype(np.uint16) * 200 + 700,
        lambda image: image / 3000,
        lambda image: np.stack([image, image * 0, image * 0], axis=-1),
        lambda image: 255 * (image / 255) ** 0.5,
        lambda image: cv2.resize(image, None, fx=0.5, fy=0.5),
        lambda image: np.where(image > 250, np.nan, image / 1.0),
    ],
    ids=['jpeg', '16 bit', 'float', 'red', 'gamma', 'half', 'nan'],
)
def test_hash_stays_near_when_only_the_storage_changes(store):
    image = blob_image(1)
    assert _distance(image, store(image)) <= 32


def test_hashes_of_dark_images_of_other_blobs_are_far_apart():
    hashes = np.stack([perceptual_hash(blob_image(n)) for n in range(12)])
    distances = [d for i, j, d in near_pairs(hashes, hashes, 256) if i < j]
    assert len(distances) == 66
    assert min(distances) > 70


@pytest.mark.parametrize('chunk', [2, 4096])
def test_near_pairs_are_those_of_counted_bits(chunk, monkeypatch):
    monkeypatch.setattr(image_hashes, '_CHUNK', chunk)
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (7, 4), np.uint8)
    b = rng.integers(0, 256, (5, 4), np.uint8)
    b[3] = a[6]
    counted = {
        (i, j): int(np.unpackbits(a[i] ^ b[j]).sum())
        for i in range(7)
        for j in range(5)
    }
    expected = [(*key, d) for key, d in sorted(counted.items()) if d <= 14]
    assert (6, 3, 0) in expected
    assert 1 < len(expected) < 35
    assert near_pairs(a, b, 14) == expected
    assert near_pairs(a[:0], b, 14) == []


def test_gray_has_the_weights_of_pillow():
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    expected = np.asarray(Image.fromarray(image).convert('L'), np.float32)
    assert np.abs(to_gray(image) - expected).max() <= 1
