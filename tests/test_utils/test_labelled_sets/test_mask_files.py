import io

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.labelled_sets.mask_files import (
    MaskItem,
    convert_components,
    convert_masks,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_items import PairItem


def _png(array, mode=None):
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(stream, 'PNG')
    return stream.getvalue()


def _mask(height, width, rows, columns, value=255):
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = value
    return mask


def _write(tmp_path, image, masks):
    src = tmp_path / 'src'
    src.mkdir()
    (src / 'img.png').write_bytes(image)
    names = []
    for index, mask in enumerate(masks):
        names.append(f'm{index}.png')
        (src / names[-1]).write_bytes(mask)
    return src, tuple(names)


def _convert(tmp_path, image, masks=(), threshold=0, **rules):
    """Record of one image; masks are raw file contents."""
    src, names = _write(tmp_path, image, masks)
    item = MaskItem('img', 'img.png', names, 'img.png', 'fingerprint')
    with open_source(src) as tree:
        return convert_masks(
            tree, item, tmp_path, ObjectRules(**rules), threshold
        )


def _components(tmp_path, image, mask, threshold=0, **rules):
    """Record of one image with one mask of all objects."""
    src, (name,) = _write(tmp_path, image, [mask])
    item = PairItem('img', 'img.png', name, 'img.png', 'fingerprint')
    with open_source(src) as tree:
        return convert_components(
            tree, item, tmp_path, ObjectRules(**rules), threshold
        )


def _decoded(record):
    return [
        rle_tools.decode(ann['segmentation']) for ann in record['annotations']
    ]


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)


def test_alpha_is_dropped_and_colours_stay(tmp_path, pixels):
    record = _convert(tmp_path, _png(pixels))
    written = Image.open(tmp_path / 'img.png')
    assert written.mode == 'RGB'
    assert (record['width'], record['height']) == (9, 6)
    np.testing.assert_array_equal(np.asarray(written), pixels[..., :3])


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_gray_images_keep_their_depth(tmp_path, dtype):
    gray = np.arange(54).reshape(6, 9).astype(dtype) * 3
    gray[0, 0] = np.iinfo(dtype).max
    _convert(tmp_path, _png(gray))
    written = np.asarray(Image.open(tmp_path / 'img.png'))
    assert written.dtype == dtype
    np.testing.assert_array_equal(written, gray)


def test_a_palette_image_becomes_its_colours(tmp_path, pixels):
    palette = Image.fromarray(pixels[..., :3]).quantize(8)
    stream = io.BytesIO()
    palette.save(stream, 'PNG')
    _convert(tmp_path, stream.getvalue())
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / 'img.png')),
        np.asarray(palette.convert('RGB')),
    )


@pytest.mark.parametrize('mode', ['L', '1', 'RGB', 'RGBA', 'LA', 'I;16'])
def test_masks_of_any_mode_are_their_non_zero_pixels(tmp_path, pixels, mode):
    mask = _mask(6, 9, slice(1, 4), slice(2, 8), value=1)
    mask[2, 2] = 0
    if mode == 'I;16':
        content = _png(mask.astype(np.uint16))
    else:
        content = _png(mask * 255, mode)
    record = _convert(tmp_path, _png(pixels), [content])
    (annotation,) = record['annotations']
    np.testing.assert_array_equal(
        rle_tools.decode(annotation['segmentation']), mask
    )
    assert annotation['bbox'] == [2, 1, 6, 3]
    assert annotation['area'] == 17
    assert isinstance(annotation['segmentation']['counts'], str)
    assert record['cases'] == {}


def test_odd_masks_are_dropped_or_kept_by_the_rules(tmp_path, pixels):
    first = _mask(6, 9, slice(0, 3), slice(0, 3))
    over = _mask(6, 9, slice(2, 5), slice(2, 5))
    record = _convert(
        tmp_path,
        _png(pixels),
        [
            _png(first),
            _png(np.zeros((6, 9), np.uint8)),
            _png(first.T.copy()),
            _png(over),
            b'not a png',
            b'',
            _png(first)[:-30],
        ],
    )
    unreadable = record['cases'].pop('unreadable_masks')
    assert [entry.split(':')[0] for entry in unreadable] == [
        'm4.png',
        'm5.png',
        'm6.png',
    ]
    assert record['cases'] == {
        'empty_masks': ['m1.png'],
        'other_size_masks': ['m2.png'],
        'border_objects': ['m0.png'],
        'overlapping_masks': ['m3.png'],
    }
    assert [ann['area'] for ann in record['annotations']] == [9, 9]


def test_an_image_without_masks_is_kept(tmp_path, pixels):
    record = _convert(tmp_path, _png(pixels))
    assert record['annotations'] == []
    assert record['cases'] == {'images_without_masks': ['img.png']}
    assert (tmp_path / 'img.png').is_file()


def test_an_unreadable_image_leaves_no_png(tmp_path, pixels):
    (tmp_path / 'img.png').write_bytes(b'of an earlier source')
    mask = _png(_mask(6, 9, 1, 1))
    record = _convert(tmp_path, _png(pixels)[:60], [mask])
    (case,) = record['cases']['unreadable_images']
    assert case.startswith('img.png: cannot be read as an image')
    assert record['width'] is None
    assert record['annotations'] == []
    assert not (tmp_path / 'img.png').exists()


def test_rules_apply_to_each_mask(tmp_path, pixels):
    cut = _mask(6, 9, slice(0, 2), slice(3, 6))
    inner = _mask(6, 9, slice(2, 4), slice(3, 6))
    small = _mask(6, 9, 4, 4)
    masks = [_png(mask) for mask in (cut, inner, small)]
    record = _convert(tmp_path, _png(pixels), masks, border='drop', min_area=2)
    np.testing.assert_array_equal(_decoded(record), [inner > 0])
    assert record['cases'] == {
        'border_objects': ['m0.png'],
        'small_objects': ['m2.png'],
    }


def test_a_jpeg_mask_needs_a_threshold(tmp_path, pixels):
    mask = _mask(16, 16, slice(4, 12), slice(2, 8))
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, 'JPEG', quality=50)
    image = _png(np.zeros((16, 16), np.uint8))
    for name in 'ab':
        (tmp_path / name).mkdir()
    record = _convert(tmp_path / 'a', image, [stream.getvalue()])
    assert '--threshold 127' in record['cases']['unreadable_masks'][0]
    record = _convert(tmp_path / 'b', image, [stream.getvalue()], 127)
    np.testing.assert_array_equal(_decoded(record), [mask > 0])


def test_components_of_one_mask_are_objects_in_reading_order(tmp_path, pixels):
    late = _mask(6, 9, slice(3, 5), slice(1, 3))
    early = _mask(6, 9, slice(1, 4), slice(5, 8))
    record = _components(tmp_path, _png(pixels), _png(late | early))
    np.testing.assert_array_equal(_decoded(record), [early > 0, late > 0])
    assert record['cases'] == {}


def test_components_in_holes_stay_objects_when_holes_are_filled(tmp_path):
    ring = _mask(9, 9, slice(1, 8), slice(1, 8))
    ring[2:7, 2:7] = 0
    core = _mask(9, 9, slice(4, 5), slice(4, 5))
    image = _png(np.zeros((9, 9), np.uint8))
    record = _components(tmp_path, image, _png(ring | core), fill_holes=True)
    first, second = _decoded(record)
    assert first.sum() == 49 - 1
    np.testing.assert_array_equal(second, core > 0)
    assert record['cases'] == {
        'objects_with_holes': ['m0.png:x=1,y=1'],
        'one_pixel_objects': ['m0.png:x=4,y=4'],
    }


def test_an_image_with_a_blank_mask_is_kept_without_objects(tmp_path, pixels):
    blank = _png(np.zeros((6, 9), np.uint8))
    record = _components(tmp_path, _png(pixels), blank)
    assert record['annotations'] == []
    assert record['width'] == 9
    assert record['cases'] == {'empty_masks': ['m0.png']}


@pytest.mark.parametrize(
    ('mask', 'kind', 'reason'),
    [
        (np.arange(54, dtype=np.uint8).reshape(6, 9), 'ambiguous_masks',
         'has 54 values (0 to 53)'),
        (_mask(6, 9, 2, 2) + 3, 'ambiguous_masks', 'use label_images.py'),
        (_mask(5, 9, 2, 2), 'other_size_masks', 'm0.png'),
        (None, 'unreadable_masks', 'cannot be read'),
    ],
)  # fmt: skip
def test_an_image_whose_one_mask_is_unusable_is_left_out(
    tmp_path, pixels, mask, kind, reason
):
    content = b'none' if mask is None else _png(mask)
    record = _components(tmp_path, _png(pixels), content)
    (case,) = record['cases'][kind]
    assert reason in case
    assert record['width'] is None
    assert not (tmp_path / 'img.png').exists()


def test_a_threshold_makes_any_mask_binary(tmp_path, pixels):
    values = np.arange(54, dtype=np.uint8).reshape(6, 9)
    record = _components(tmp_path, _png(pixels), _png(values), threshold=40)
    np.testing.assert_array_equal(_decoded(record), [values > 40])
