"""Pairs of images that show the same."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.leakage.image_fingerprints import (
    ORIENTATIONS,
    take_fingerprints,
    turn,
)
from cupre_mm.utils.leakage.leak_check import correlation_of, find_leaks
from tests.blob_images import blob_image


def _leaks(corpus, evaluation, **thresholds):
    ours, _ = take_fingerprints([str(path) for path in corpus], 1)
    theirs, _ = take_fingerprints([str(path) for path in evaluation], 1)
    pairs = find_leaks(
        list(ours.values()), list(theirs.values()), **thresholds
    )
    return pairs


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / 'corpus'
    folder.mkdir()
    paths = [folder / f'{seed}.png' for seed in range(6)]
    for seed, path in enumerate(paths):
        Image.fromarray(blob_image(seed)).save(path)
    return paths


def _save_jpeg(image, path):
    Image.fromarray(image).save(path, quality=75)


def _save_half(image, path):
    half = cv2.resize(image, None, fx=0.5, fy=0.5)
    Image.fromarray(half).save(path, quality=85)


def _save_deep(image, path):
    tifffile.imwrite(path, image.astype(np.uint16) * 37 + 500)


def _save_gamma(image, path):
    bright = np.rint(255 * (image / 255) ** 0.6).astype(np.uint8)
    Image.fromarray(bright).save(path)


def _save_green(image, path):
    empty = np.zeros_like(image)
    Image.fromarray(np.stack([empty, image, empty], -1)).save(path)


@pytest.mark.parametrize(
    ('save', 'name'),
    [
        (_save_jpeg, 'x.jpg'),
        (_save_half, 'x.jpg'),
        (_save_deep, 'x.tif'),
        (_save_gamma, 'x.png'),
        (_save_green, 'x.png'),
    ],
)
def test_copy_stored_otherwise_is_one_perceptual_pair(
    corpus, tmp_path, save, name
):
    copy = tmp_path / name
    save(blob_image(2), copy)
    (pair,) = _leaks(corpus, [copy])
    assert (pair.corpus, pair.evaluation) == (str(corpus[2]), str(copy))
    assert pair.kind == 'perceptual'
    assert pair.orientation == 'as stored'
    assert pair.correlation > 0.9


def test_same_pixels_in_another_format_are_exact(corpus, tmp_path):
    copy = tmp_path / 'rgb.bmp'
    Image.fromarray(np.stack([blob_image(4)] * 3, -1)).save(copy)
    (pair,) = _leaks(corpus, [copy])
    assert pair.corpus == str(corpus[4])
    assert (pair.kind, pair.distance, pair.correlation) == ('exact', 0, 1.0)


@pytest.mark.parametrize('orientation', range(1, len(ORIENTATIONS)))
def test_turned_copy_is_found_with_the_turn_that_undoes_it(
    corpus, tmp_path, orientation
):
    copy = tmp_path / 'turned.jpg'
    _save_jpeg(turn(blob_image(1), orientation), copy)
    (pair,) = _leaks(corpus, [copy])
    assert pair.corpus == str(corpus[1])
    undone = turn(
        turn(blob_image(1), orientation), ORIENTATIONS.index(pair.orientation)
    )
    assert (undone == blob_image(1)).all()


def test_other_images_of_the_same_kind_are_no_pairs(corpus, tmp_path):
    others = [tmp_path / f'{seed}.png' for seed in range(20, 30)]
    for seed, path in enumerate(others, 20):
        Image.fromarray(blob_image(seed)).save(path)
    assert _leaks(corpus, others) == []
    assert _leaks(corpus, []) == []
    assert _leaks([], others) == []


def test_empty_images_are_a_pair_only_when_all_values_are_the_same(tmp_path):
    sizes = {'a.png': (80, 90), 'b.png': (80, 90), 'c.png': (100, 90)}
    for name, size in sizes.items():
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / name)
    paths = [tmp_path / name for name in sizes]
    pairs = _leaks(paths[:1], paths[1:])
    assert [(p.kind, p.evaluation) for p in pairs] == [
        ('exact', str(paths[1]))
    ]


def test_thresholds_are_kept_to(corpus, tmp_path):
    copy = tmp_path / 'x.png'
    _save_gamma(blob_image(0), copy)
    (pair,) = _leaks(corpus, [copy])
    assert pair.distance > 0
    below = pair.distance - 1
    assert _leaks(corpus, [copy], max_distance=below) == []
    above = pair.correlation + 1e-4
    assert _leaks(corpus, [copy], min_correlation=above) == []


def test_every_copy_of_an_image_makes_a_pair_and_exact_ones_come_first(
    corpus, tmp_path
):
    _save_jpeg(blob_image(0), tmp_path / 'a.jpg')
    Image.fromarray(blob_image(0)).save(tmp_path / 'b.png')
    pairs = _leaks(corpus, [tmp_path / 'a.jpg', tmp_path / 'b.png'])
    assert [pair.kind for pair in pairs] == ['exact', 'perceptual']
    assert {pair.corpus for pair in pairs} == {str(corpus[0])}


def test_shared_illumination_is_no_correlation():
    ramp = np.linspace(0, 150, 32)[None].repeat(32, 0)
    rng = np.random.default_rng(0)
    a, b = (
        (ramp + rng.uniform(0, 60, (32, 32))).astype(np.uint8)
        for _ in range(2)
    )
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.8
    assert abs(correlation_of(a, b)) < 0.2
    assert correlation_of(a, a) == pytest.approx(1)


def test_real_images_of_two_splits_of_coco_share_none(shared_data, tmp_path):
    from cupre_mm.utils.archives import open_source, unpack

    with open_source(shared_data / 'coco_mini.zip') as tree:
        names = [name for name in tree.names if name.endswith('.jpg')][:16]
        unpack(tree, tmp_path, names)
    files = [tmp_path / name for name in names]
    assert _leaks(files[:8], files[8:]) == []
    copy = tmp_path / 'copy.png'
    Image.open(files[3]).convert('L').resize((200, 150)).save(copy)
    (pair,) = _leaks(files[:8], [copy])
    assert pair.corpus == str(files[3])
