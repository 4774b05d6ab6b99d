import zipfile

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.source_images import (
    is_jpeg,
    read_pixels,
    read_values,
    store_image,
)
from cupre_mm.utils.microscopy_io import read_image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)


@pytest.fixture
def src(tmp_path):
    folder = tmp_path / 'src'
    folder.mkdir()
    return folder


def _zipped(src):
    path = src.parent / 'src.zip'
    with zipfile.ZipFile(path, 'w') as archive:
        for file in src.iterdir():
            archive.write(file, file.name)
    return path


def test_sixteen_bit_files_are_copied_byte_for_byte(src, tmp_path):
    dark = np.arange(54, dtype=np.uint16).reshape(6, 9) + 300
    tifffile.imwrite(src / 'a.tif', dark, compression='lzw')
    cv2.imwrite(str(src / 'b.png'), dark)
    for path in (src, _zipped(src)):
        for name in ('a.tif', 'b.png'):
            target = tmp_path / 'out' / path.name / name
            with open_source(path) as tree:
                stored = store_image(tree, name, target)
            assert stored == (6, 9, 1)
            assert target.read_bytes() == (src / name).read_bytes()
            np.testing.assert_array_equal(read_image(target), dark)


@pytest.mark.parametrize('depth', [np.uint8, np.uint16])
def test_alpha_is_dropped_at_full_depth(src, tmp_path, pixels, depth):
    deep = pixels.astype(depth) * (1 if depth == np.uint8 else 200)
    cv2.imwrite(str(src / 'a.png'), deep[..., [2, 1, 0, 3]])
    with open_source(src) as tree:
        store_image(tree, 'a.png', tmp_path / 'a.png')
    written = read_image(tmp_path / 'a.png')
    assert written.dtype == depth
    np.testing.assert_array_equal(written, deep[..., :3])


def test_a_palette_image_becomes_its_colours(src, tmp_path, pixels):
    palette = Image.fromarray(pixels[..., :3]).quantize(8)
    palette.save(src / 'a.png')
    with open_source(src) as tree:
        store_image(tree, 'a.png', tmp_path / 'a.png')
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / 'a.png')),
        np.asarray(palette.convert('RGB')),
    )


def test_pages_of_an_image_are_counted(src, tmp_path):
    stack = np.zeros((3, 6, 9), np.uint8)
    tifffile.imwrite(src / 'a.tif', stack, photometric='minisblack')
    with open_source(src) as tree:
        assert store_image(tree, 'a.tif', tmp_path / 'a.tif').pages == 3


@pytest.mark.parametrize(
    ('write', 'reason'),
    [
        (lambda path: path.write_bytes(b''), r'the file is empty \(0 bytes\)'),
        (
            lambda path: tifffile.imwrite(
                path,
                np.zeros((6, 9, 5), np.uint8),
                photometric='minisblack',
                planarconfig='contig',
            ),
            'neither gray nor RGB',
        ),
    ],
)
def test_an_unusable_image_leaves_no_file_and_gives_the_reason(
    src, tmp_path, write, reason
):
    write(src / 'a.tif')
    target = tmp_path / 'out' / 'a.tif'
    target.parent.mkdir()
    target.write_bytes(b'of an earlier source')
    for path in (src, _zipped(src)):
        with (
            open_source(path) as tree,
            pytest.raises(BadDataError, match=reason) as caught,
        ):
            store_image(tree, 'a.tif', target)
        assert str(path.parent) not in str(caught.value)
    assert not target.exists()


def test_a_truncated_tiff_is_unusable(src, tmp_path, pixels):
    tifffile.imwrite(src / 'a.tif', np.tile(pixels[..., 0], (20, 20)))
    whole = (src / 'a.tif').read_bytes()
    (src / 'a.tif').write_bytes(whole[: len(whole) // 2])
    with open_source(src) as tree:
        with pytest.raises(BadDataError, match='cannot be read as an image'):
            store_image(tree, 'a.tif', tmp_path / 'a.tif')
        with pytest.raises(BadDataError, match='cannot be read as an image'):
            read_values(tree, 'a.tif')


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.uint8, np.float32])
def test_label_values_are_read_as_they_are(src, dtype):
    labels = np.array([[0, 1, 2], [3, 3, 120]], dtype)
    tifffile.imwrite(src / 'a.tif', labels, photometric='miniswhite')
    for path in (src, _zipped(src)):
        with open_source(path) as tree:
            values = read_values(tree, 'a.tif')
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, labels)


def test_indices_of_a_palette_are_labels_but_colours_of_a_mask(src):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), 'P')
    image.putpalette([255, 255, 255, 0, 0, 0, 0, 0, 9])
    image.save(src / 'a.png')
    with open_source(src) as tree:
        np.testing.assert_array_equal(
            read_values(tree, 'a.png'), [[0, 1], [2, 1]]
        )
        np.testing.assert_array_equal(
            read_pixels(tree, 'a.png').max(axis=-1), [[255, 0], [9, 0]]
        )


def test_a_stack_is_no_label_image_and_no_mask(src):
    stack = np.zeros((3, 6, 9), np.uint8)
    tifffile.imwrite(src / 'a.tif', stack, photometric='minisblack')
    with open_source(src) as tree:
        for read in (read_values, read_pixels):
            with pytest.raises(BadDataError, match=r'a stack \(3 pages'):
                read(tree, 'a.tif')


def test_a_jpeg_is_told_by_content_and_by_name(src, pixels):
    Image.fromarray(pixels[..., 0]).save(src / 'a.jpg')
    (src / 'b.png').write_bytes((src / 'a.jpg').read_bytes())
    Image.fromarray(pixels[..., 0]).save(src / 'c.png')
    with open_source(src) as tree:
        found = [is_jpeg(tree, name) for name in tree.names]
    assert found == [True, True, False]
