"""Annotated images as image and label files."""

import json

import cv2
import numpy as np
import pytest
import tifffile

from cupre_mm.evaluation.peers.label_sets import read_labels, write_label_set
from cupre_mm.utils.errors import BadDataError, MissingDataError
from tests.scored_cells import SIZE, rle_of, write_cells


def changed(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def test_labels_are_the_annotated_instances(squares):
    labels = read_labels(squares.labels)
    assert [int(one.max()) for one in labels] == [2, 2, 3]
    first = labels[0]
    assert (first[4:16, 4:16] > 0).all()
    assert (first > 0).sum() == 2 * 12 * 12
    assert squares.categories == ['cell']
    assert squares.record['images'] == 3
    assert squares.record['instances'] == 7
    assert len(squares.record['sha256']) == 64


def test_gray_images_become_one_channel_and_colours_stay(tmp_path):
    file = write_cells(tmp_path / 'data')
    gray = np.arange(SIZE * SIZE, dtype=np.uint16).reshape(SIZE, SIZE) * 9
    images = tmp_path / 'data/images'
    cv2.imwrite(str(images / 'good.png'), gray)
    colours = np.zeros((SIZE, SIZE, 3), np.uint8)
    colours[..., 2] = 70
    cv2.imwrite(str(images / 'bad.png'), colours)
    found = write_label_set(file, images, tmp_path / 'sets')
    names = [entry['file_name'] for entry in found.entries]
    read = {n: tifffile.imread(p) for n, p in zip(names, found.images)}
    assert read['good.png'].dtype == np.uint16
    np.testing.assert_array_equal(read['good.png'], gray)
    # cv2 writes blue first, the file holds red.
    assert read['bad.png'][0, 0].tolist() == [70, 0, 0]
    threefold = cv2.merge([gray] * 3)
    cv2.imwrite(str(images / 'good.png'), threefold)
    again = write_label_set(file, images, tmp_path / 'others')
    np.testing.assert_array_equal(tifffile.imread(again.images[0]), gray)


def test_smaller_instance_is_in_front_and_crowds_are_left_out(tmp_path):
    file = write_cells(tmp_path / 'data', {'a.png': [(0, 0, 20, 20)]})

    def add(content):
        one = content['annotations'][0]
        content['annotations'] += [
            {**one, 'id': 2, 'segmentation': rle_of((5, 5, 4, 4))},
            {
                **one,
                'id': 3,
                'iscrowd': 1,
                'segmentation': rle_of((40, 40, 20, 20)),
            },
        ]

    changed(file, add)
    found = write_label_set(file, file.parent / 'images', tmp_path / 'sets')
    (labels,) = read_labels(found.labels)
    assert (labels == labels[6, 6]).sum() == 16
    assert (labels == labels[0, 0]).sum() == 400 - 16
    assert labels[50, 50] == 0


def test_whole_set_is_not_written_again_but_a_half_one_is(squares, tmp_path):
    file = tmp_path / 'squares/test.json'
    images, root = file.parent / 'images', squares.folder.parent
    squares.images[0].unlink()
    again = write_label_set(file, images, root)
    assert again.folder == squares.folder
    assert not squares.images[0].exists()
    (squares.folder / 'set.json').unlink()
    write_label_set(file, images, root)
    assert squares.images[0].exists()


def test_image_of_another_size_is_refused_with_both_sizes(tmp_path):
    file = write_cells(tmp_path / 'data')
    cv2.imwrite(
        str(file.parent / 'images/bad.png'), np.zeros((10, 12), np.uint8)
    )
    with pytest.raises(BadDataError, match=r'\(10, 12\).*\(64, 64\)'):
        write_label_set(file, file.parent / 'images', tmp_path / 'sets')


def test_missing_split_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'train_5\.json'):
        write_label_set(tmp_path / 'train_5.json', tmp_path, tmp_path)
