import io

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.mask_files import Item, convert_item


def _png(array, mode=None):
    stream = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(stream, 'PNG')
    return stream.getvalue()


def _mask(height, width, rows, columns, value=255):
    mask = np.zeros((height, width), np.uint8)
    mask[rows, columns] = value
    return mask


def _convert(tmp_path, image, masks=()):
    """Record of one image; masks are raw file contents."""
    src = tmp_path / 'src'
    src.mkdir()
    (src / 'img.png').write_bytes(image)
    names = []
    for index, mask in enumerate(masks):
        names.append(f'm{index}.png')
        (src / names[-1]).write_bytes(mask)
    item = Item('img', 'img.png', tuple(names), 'fingerprint')
    with open_source(src) as tree:
        return convert_item(tree, item, tmp_path)


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
    mask[2, 3] = 0
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
    assert record['problems'] == {}


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
    assert record['problems'] == {
        'empty_masks': ['m1.png'],
        'other_size_masks': ['m2.png'],
        'overlapping_masks': ['m3.png'],
        'unreadable_masks': ['m4.png', 'm5.png', 'm6.png'],
    }
    assert [ann['area'] for ann in record['annotations']] == [9, 9]


def test_an_image_without_masks_is_kept(tmp_path, pixels):
    record = _convert(tmp_path, _png(pixels))
    assert record['annotations'] == []
    assert record['problems'] == {'images_without_masks': ['img.png']}
    assert (tmp_path / 'img.png').is_file()


def test_an_unreadable_image_leaves_no_png(tmp_path, pixels):
    (tmp_path / 'img.png').write_bytes(b'of an earlier source')
    mask = _png(_mask(6, 9, 1, 1))
    record = _convert(tmp_path, _png(pixels)[:60], [mask])
    assert record['problems'] == {'unreadable_images': ['img.png']}
    assert record['width'] is None
    assert record['annotations'] == []
    assert not (tmp_path / 'img.png').exists()
