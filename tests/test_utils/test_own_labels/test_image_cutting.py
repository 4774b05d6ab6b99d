import numpy as np
import pytest
import tifffile
from pycocotools import mask as rle_tools

from cupre_mm.utils.coco_json import read_coco
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.microscopy_io import read_image
from cupre_mm.utils.own_labels.image_cutting import cut_in_two
from cupre_mm.utils.own_labels.label_reading import read_labels
from tests.labelled_discs import write_labelled


def _set(folder, labels, image=None):
    source = folder / 'src'
    source.mkdir()
    image = np.arange(labels.size).reshape(labels.shape) % 251
    tifffile.imwrite(source / 'a.tif', image.astype(np.uint8))
    tifffile.imwrite(source / 'a_masks.tif', labels.astype(np.uint16))
    read_labels(source, folder / 'data', form='labels')
    coco, _ = read_coco(folder / 'data/annotations/instances.json')
    return coco, image


def test_parts_join_to_the_image_and_its_cells(tmp_path):
    labels = np.zeros((60, 200))
    for number in range(8):
        labels[20:30, 10 + 24 * number : 20 + 24 * number] = number + 1
    labels[20:30, 125:145] = 6
    coco, image = _set(tmp_path, labels)
    parts = cut_in_two(coco, tmp_path / 'data/images', tmp_path / 'parts')
    # Centres at 15, 39, ... 183: the quantile of 3/4 is 141, in cell 6.
    widths = [part['images'][0]['width'] for part in parts]
    assert widths == [141, 59]
    pixels = [
        read_image(tmp_path / 'parts' / part['images'][0]['file_name'])
        for part in parts
    ]
    assert np.array_equal(np.hstack(pixels), image)
    joined = np.hstack(
        [
            sum(rle_tools.decode(a['segmentation']) for a in p['annotations'])
            for p in parts
        ]
    )
    assert np.array_equal(joined, labels > 0)
    assert len(parts[0]['annotations']) == 6
    assert len(parts[1]['annotations']) == 3


def test_tall_image_is_cut_across_its_height(tmp_path):
    labels = np.zeros((200, 60))
    for number in range(8):
        labels[10 + 24 * number : 20 + 24 * number, 20:30] = number + 1
    coco, _ = _set(tmp_path, labels)
    train, held = cut_in_two(coco, tmp_path / 'data/images', tmp_path / 'p')
    assert (train['images'][0]['height'], held['images'][0]['height']) == (
        141,
        59,
    )
    assert train['images'][0]['width'] == 60


def test_cells_all_at_one_end_leave_half_to_train_on(tmp_path):
    labels = np.zeros((60, 200))
    for number in range(8):
        labels[20:30, 2 * number : 2 * number + 2] = number + 1
    labels[20:30, 150:160] = 9
    coco, _ = _set(tmp_path, labels)
    train, _ = cut_in_two(coco, tmp_path / 'data/images', tmp_path / 'p')
    assert train['images'][0]['width'] == 100


def test_too_small_an_image_is_refused(tmp_path):
    source = write_labelled(tmp_path / 's', 1, side=48, diameter=10)
    read_labels(source, tmp_path / 'data')
    coco, _ = read_coco(tmp_path / 'data/annotations/instances.json')
    with pytest.raises(BadDataError, match='48 px are too few'):
        cut_in_two(coco, tmp_path / 'data/images', tmp_path / 'p')
