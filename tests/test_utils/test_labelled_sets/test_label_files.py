import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.labelled_sets.label_files import (
    LabelReading,
    convert_labels,
    objects_of,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_items import PairItem

LABELS = np.zeros((8, 10), np.uint16)
LABELS[1:3, 1:4] = 7
LABELS[4:7, 5:9] = 300


def _write(path, labels):
    if path.suffix == '.tif':
        tifffile.imwrite(path, labels)
    elif labels.ndim == 3:
        cv2.imwrite(str(path), labels[..., [2, 1, 0, 3][: labels.shape[2]]])
    else:
        cv2.imwrite(str(path), labels)


def _convert(tmp_path, labels, suffix='.tif', reading=None, **rules):
    src = tmp_path / 'src'
    src.mkdir()
    shape = (8, 10)
    tifffile.imwrite(src / 'x.tif', np.full(shape, 900, np.uint16))
    label = f'x_masks{suffix}'
    if isinstance(labels, bytes):
        (src / label).write_bytes(labels)
    elif labels is not None:
        _write(src / label, labels)
    item = PairItem(
        'x', 'x.tif', None if labels is None else label, 'x.tif', 'fingerprint'
    )
    with open_source(src) as tree:
        return convert_labels(
            tree,
            item,
            tmp_path,
            ObjectRules(**rules),
            reading or LabelReading(),
        )


def _areas(record):
    return [ann['area'] for ann in record['annotations']]


def test_each_number_is_an_object_in_rising_order(tmp_path):
    record = _convert(tmp_path, LABELS)
    assert _areas(record) == [6, 12]
    for annotation, number in zip(record['annotations'], (7, 300)):
        np.testing.assert_array_equal(
            rle_tools.decode(annotation['segmentation']), number == LABELS
        )
    assert record['cases'] == {}
    assert (record['height'], record['width']) == (8, 10)
    assert (tmp_path / 'x.tif').is_file()


@pytest.mark.parametrize('dtype', [np.uint8, np.int32, np.uint32, np.int64])
def test_numbers_of_any_whole_type(tmp_path, dtype):
    labels = np.where(LABELS == 300, 200, LABELS).astype(dtype)
    if dtype in (np.uint32, np.int64):
        labels[labels == 200] = 2**31 - 1
    assert _areas(_convert(tmp_path, labels)) == [6, 12]


def test_a_sixteen_bit_png_keeps_its_numbers(tmp_path):
    record = _convert(tmp_path, LABELS, '.png', border='drop', min_area=7)
    assert _areas(record) == [12]
    assert record['cases'] == {'small_objects': ['x_masks.png:7']}


def test_whole_floats_are_numbers_and_noted(tmp_path):
    record = _convert(tmp_path, LABELS.astype(np.float32))
    assert _areas(record) == [6, 12]
    assert record['cases'] == {'whole_float_labels': ['x_masks.tif']}


def test_gray_saved_as_colours_is_read_as_numbers(tmp_path):
    labels = np.where(LABELS == 300, 9, LABELS).astype(np.uint8)
    colours = np.repeat(labels[..., None], 3, axis=2)
    assert _areas(_convert(tmp_path, colours, '.png')) == [6, 12]


def _negative():
    labels = LABELS.astype(np.int32)
    labels[0] = -1
    return labels


def _coloured():
    colours = np.zeros((8, 10, 4), np.uint8)
    colours[..., 3] = 255
    colours[1:3, 1:4] = (1, 0, 0, 255)
    colours[4:7, 5:9] = (0, 1, 0, 255)
    return colours


@pytest.mark.parametrize(
    ('labels', 'suffix', 'kind', 'reason'),
    [
        (LABELS / 7, '.tif', 'ambiguous_labels', 'not whole numbers'),
        (LABELS * np.nan, '.tif', 'ambiguous_labels', 'not whole numbers'),
        (_negative(), '.tif', 'ambiguous_labels', 'least -1; add --negative'),
        (_coloured(), '.png', 'ambiguous_labels', 'add --colour-coded'),
        (LABELS.astype(np.uint8), '.jpg', 'ambiguous_labels', 'a JPEG'),
        (LABELS[:, 1:], '.tif', 'other_size_labels', '9x8 pixels, x.tif has'),
        (np.stack([LABELS] * 5), '.tif', 'unreadable_labels', '5 pages'),
        (b'', '.tif', 'unreadable_labels', 'the file is empty'),
    ],
)
def test_unusable_labels_leave_their_image_out(
    tmp_path, labels, suffix, kind, reason
):
    record = _convert(tmp_path, labels, suffix)
    assert list(record['cases']) == [kind]
    (case,) = record['cases'][kind]
    assert case.startswith(f'x_masks{suffix}: ')
    assert reason in case
    assert record['width'] is None
    assert record['annotations'] == []
    assert not (tmp_path / 'x.tif').exists()


def test_negative_numbers_may_be_background(tmp_path):
    record = _convert(
        tmp_path, _negative(), reading=LabelReading(negative_background=True)
    )
    assert _areas(record) == [6, 12]
    assert record['cases'] == {'negative_labels': ['x_masks.tif']}


def test_colours_may_be_objects(tmp_path):
    record = _convert(
        tmp_path, _coloured(), '.png', reading=LabelReading(colour_coded=True)
    )
    assert _areas(record) == [12, 6]
    assert record['cases'] == {}


def test_an_image_without_label_is_one_without_objects(tmp_path):
    record = _convert(tmp_path, None)
    assert (record['width'], record['annotations']) == (10, [])
    assert record['cases'] == {'images_without_labels': ['x.tif']}


def test_a_blank_label_image_keeps_its_image(tmp_path):
    record = _convert(tmp_path, np.zeros_like(LABELS))
    assert (record['width'], record['annotations']) == (10, [])
    assert record['cases'] == {'empty_images': ['x_masks.tif']}


def test_one_number_for_several_pieces_is_noted(tmp_path):
    record = _convert(tmp_path, (LABELS > 0).astype(np.uint8) * 255)
    assert record['cases'] == {
        'objects_in_pieces': ['x_masks.tif:255'],
        'single_labels': ['x_masks.tif'],
    }


def test_holes_are_filled_but_for_other_objects(tmp_path):
    labels = np.zeros((8, 10), np.uint8)
    labels[1:7, 1:7] = 1
    labels[2:6, 2:6] = 0
    labels[3, 3] = 2
    record = _convert(tmp_path, labels, fill_holes=True)
    assert _areas(record) == [35, 1]


def test_three_thousand_cells_come_out_one_by_one():
    numbers = np.arange(1, 3001).reshape(50, 60)
    labels = np.kron(numbers, np.ones((3, 4), int))
    labels[::3] = 0
    found = {number: mask for number, mask, _ in objects_of(labels)}
    assert sorted(found) == list(range(1, 3001))
    assert all(mask.pixels.shape == (2, 4) for mask in found.values())
    assert (found[62].top, found[62].left) == (4, 4)


def test_an_unreadable_image_is_noted(tmp_path):
    (tmp_path / 'src').mkdir()
    (tmp_path / 'src' / 'x.png').write_bytes(b'')
    Image.fromarray(LABELS).save(tmp_path / 'src' / 'x_masks.png')
    item = PairItem('x', 'x.png', 'x_masks.png', 'x.png', 'fingerprint')
    with open_source(tmp_path / 'src') as tree:
        record = convert_labels(
            tree, item, tmp_path, ObjectRules(), LabelReading()
        )
    assert record['cases'] == {
        'unreadable_images': ['x.png: the file is empty (0 bytes)']
    }
