from pathlib import Path

import numpy as np
import pytest
import tifffile

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.tiff_pages import (
    check_page_is_whole,
    interpret,
    is_colour,
    is_readable_by_rows,
    number_of_dyes,
    read_rows,
)

GRAY = np.random.default_rng(0).integers(0, 60_000, (70, 50), np.uint16)
RGB = np.random.default_rng(1).integers(0, 256, (70, 50, 3), np.uint8)


@pytest.mark.parametrize(
    'layout',
    [
        {},
        {'byteorder': '>'},
        {'rowsperstrip': 16, 'compression': 'lzw'},
        {'rowsperstrip': 16, 'compression': 'zlib', 'predictor': True},
        {'tile': (16, 32)},
        {'tile': (32, 16), 'compression': 'zlib', 'byteorder': '>'},
    ],
    ids=str,
)
@pytest.mark.parametrize('image', [GRAY, RGB], ids=['gray', 'rgb'])
@pytest.mark.parametrize('rows', [(0, 70), (5, 37), (69, 70)])
def test_rows_are_those_of_the_page(tmp_path: Path, layout, image, rows):
    tifffile.imwrite(tmp_path / 'a.tif', image, **layout)
    with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
        page = tiff.pages[0]
        assert is_readable_by_rows(page)
        read = read_rows(page, *rows)
    assert read.dtype == image.dtype
    np.testing.assert_array_equal(
        read, image.reshape(70, 50, -1)[slice(*rows)]
    )


def test_rows_of_separate_colour_planes_come_samples_first(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        np.moveaxis(RGB, -1, 0),
        photometric='rgb',
        planarconfig='separate',
        tile=(16, 16),
        compression='zlib',
    )
    with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
        read = read_rows(tiff.pages[0], 10, 40)
    np.testing.assert_array_equal(read, np.moveaxis(RGB[10:40], -1, 0))


def test_only_the_strips_that_are_asked_for_are_decoded(tmp_path: Path):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, GRAY, rowsperstrip=10, compression='zlib')
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].dataoffsets[6]
        count = tiff.pages[0].databytecounts[6]
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = bytes(count)
    path.write_bytes(data)
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(
            read_rows(tiff.pages[0], 0, 60)[..., 0], GRAY[:60]
        )
        with pytest.raises(Exception, match=r'(?i)zlib|deflate'):
            read_rows(tiff.pages[0], 59, 61)


def test_one_compressed_strip_cannot_be_read_by_rows(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif', GRAY, compression='zlib', rowsperstrip=70
    )
    with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
        assert not is_readable_by_rows(tiff.pages[0])


def test_values_behind_the_end_of_the_file_are_noticed(tmp_path: Path):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, GRAY, compression='zlib')
    with tifffile.TiffFile(path) as tiff:
        check_page_is_whole(tiff.pages[0], path.stat().st_size)
        with pytest.raises(BadDataError, match='cut short: its pixel values'):
            check_page_is_whole(tiff.pages[0], path.stat().st_size // 2)


def test_samples_are_colours_or_dyes_as_the_file_says(tmp_path: Path):
    for photometric, colour, dyes in (
        ('rgb', True, 1),
        ('minisblack', False, 3),
    ):
        tifffile.imwrite(
            tmp_path / 'a.tif',
            RGB,
            photometric=photometric,
            planarconfig='contig',
        )
        with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
            assert is_colour(tiff.pages[0]) is colour
            assert number_of_dyes(tiff.pages[0]) == dyes


def test_alpha_is_no_dye(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        RGB[..., :2],
        photometric='minisblack',
        planarconfig='contig',
        extrasamples=['unassalpha'],
    )
    with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
        assert number_of_dyes(tiff.pages[0]) == 1


def test_cmyk_is_refused(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif',
        np.dstack([RGB, RGB[..., :1]]),
        photometric='separated',
        planarconfig='contig',
    )
    with (
        tifffile.TiffFile(tmp_path / 'a.tif') as tiff,
        pytest.raises(BadDataError, match='SEPARATED: save it as RGB'),
    ):
        is_colour(tiff.pages[0])


def test_white_is_zero_is_turned_and_bits_become_bytes(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / 'a.tif', GRAY > 30_000, photometric='minisblack'
    )
    tifffile.imwrite(tmp_path / 'b.tif', GRAY, photometric='miniswhite')
    with tifffile.TiffFile(tmp_path / 'a.tif') as tiff:
        np.testing.assert_array_equal(
            interpret(GRAY > 30_000, tiff.pages[0]),
            (GRAY > 30_000) * np.uint8(255),
        )
    with tifffile.TiffFile(tmp_path / 'b.tif') as tiff:
        np.testing.assert_array_equal(
            interpret(GRAY, tiff.pages[0]), 65_535 - GRAY
        )
