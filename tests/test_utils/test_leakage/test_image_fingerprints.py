"""Fingerprints of image files."""

import os

import numpy as np
import pytest
from PIL import Image

from cupre_mm.utils.image_hashes import perceptual_hash, pixel_digest
from cupre_mm.utils.leakage import image_fingerprints
from cupre_mm.utils.leakage.image_fingerprints import (
    ORIENTATIONS,
    take_fingerprints,
    turn,
)
from tests.blob_images import blob_image


def _write(folder, seeds):
    paths = [str(folder / f'{seed}.png') for seed in seeds]
    for seed, path in zip(seeds, paths):
        Image.fromarray(blob_image(seed)).save(path)
    return paths


@pytest.fixture
def count_reads(monkeypatch):
    reads = []
    read = image_fingerprints.read_image

    def counting(path):
        reads.append(path)
        return read(path)

    monkeypatch.setattr(image_fingerprints, 'read_image', counting)
    return reads


def test_holds_digest_and_the_hash_of_every_orientation(tmp_path):
    (path,) = _write(tmp_path, [3])
    good, bad = take_fingerprints([path, path], workers=1)
    image = blob_image(3)
    assert bad == {}
    assert good[path].digest == pixel_digest(image)
    for orientation in range(len(ORIENTATIONS)):
        expected = perceptual_hash(turn(image, orientation))
        differing = np.unpackbits(good[path].hashes[orientation] ^ expected)
        # Averaging a turned image rounds otherwise.
        assert differing.sum() <= 2
    assert len({row.tobytes() for row in good[path].hashes}) == 8


def test_orientations_are_what_their_names_say():
    image = np.array([[1, 2], [3, 4]])
    assert turn(image, 0).tolist() == [[1, 2], [3, 4]]
    assert turn(image, 1).tolist() == [[2, 4], [1, 3]]
    assert turn(image, 4).tolist() == [[2, 1], [4, 3]]
    turned = {turn(image, k).tobytes() for k in range(len(ORIENTATIONS))}
    assert len(turned) == 8


def test_unreadable_and_missing_files_are_told_with_their_reason(tmp_path):
    (path,) = _write(tmp_path, [0])
    cut, gone = str(tmp_path / 'cut.png'), str(tmp_path / 'gone.png')
    content = (tmp_path / '0.png').read_bytes()
    (tmp_path / 'cut.png').write_bytes(content[: len(content) // 2])
    good, bad = take_fingerprints([path, cut, gone], workers=1)
    assert list(good) == [path]
    assert set(bad) == {cut, gone}
    assert 'cut.png' in bad[cut]
    assert 'no such image file' in bad[gone]


def test_cache_is_used_for_files_that_did_not_change(tmp_path, count_reads):
    paths = _write(tmp_path, [0, 1])
    bad = tmp_path / 'bad.png'
    bad.write_bytes(b'not an image')
    cache = tmp_path / 'cache.jsonl'
    first, _ = take_fingerprints([*paths, str(bad)], 1, cache)
    Image.fromarray(blob_image(2)).save(paths[1])
    os.utime(paths[1], ns=(1, 1))
    count_reads.clear()
    second, _ = take_fingerprints([*paths, str(bad)], 1, cache)
    # What could not be read is tried again.
    assert sorted(count_reads) == sorted([paths[1], str(bad)])
    assert second[paths[0]].digest == first[paths[0]].digest
    assert (second[paths[0]].hashes == first[paths[0]].hashes).all()
    assert second[paths[1]].digest == pixel_digest(blob_image(2))
