import numpy as np

from cupre_mm.utils.cell_preparation.duplicates import (
    Duplicate,
    HashedImage,
    find_duplicates,
)


def image(file: str, digest: str, *bits: int, blank=False) -> HashedImage:
    """An image whose hash has these bits set."""
    values = np.zeros(256, np.uint8)
    values[list(bits)] = 1
    return HashedImage(file, digest, np.packbits(values).data.hex(), blank)


def test_the_first_of_equal_images_stays():
    images = [image('a', '1'), image('b', '2'), image('c', '1')]
    images.append(image('d', '1'))
    assert find_duplicates(images) == [
        Duplicate('c', 'a', None),
        Duplicate('d', 'a', None),
    ]


def test_near_ones_go_only_when_asked_for():
    images = [image('a', '1', 1), image('b', '2', 1, 2, 3)]
    assert find_duplicates(images) == []
    assert find_duplicates(images, near=1) == []
    assert find_duplicates(images, near=2) == [Duplicate('b', 'a', 2)]


def test_a_chain_goes_only_where_near_to_one_that_stays():
    chain = [
        image(name, name, *range(3 * i)) for i, name in enumerate('abcde')
    ]
    assert find_duplicates(chain, near=3) == [
        Duplicate('b', 'a', 3),
        Duplicate('d', 'c', 3),
    ]


def test_images_that_were_there_before_stay():
    images = [image('old', '1', 1), image('older', '2', 1)]
    images += [image('new', '2', 1), image('newer', '3', 1, 2)]
    assert find_duplicates(images, near=2, first=2) == [
        Duplicate('new', 'older', None),
        Duplicate('newer', 'old', 1),
    ]


def test_blank_images_are_near_to_none():
    images = [image('a', '1', blank=True), image('b', '2')]
    images.append(image('c', '1', blank=True))
    assert find_duplicates(images, near=9) == [Duplicate('c', 'a', None)]


def test_no_images_no_duplicates():
    assert find_duplicates([], near=3) == []
