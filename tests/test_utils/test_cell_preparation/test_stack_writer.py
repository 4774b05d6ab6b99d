import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.cell_preparation import stack_writer
from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.stack_writer import (
    StackWriter,
    png_bytes,
)
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.intensity import stretch_to_uint8
from cupre_mm.utils.microscopy_io import read_image
from cupre_mm.utils.plane_selection import PlaneSelection

RNG = np.random.default_rng(0)
# Low contrast: a cast to 8 bits would leave a gray level or two.
DEEP = RNG.integers(1000, 1200, (3, 2, 60, 80), np.uint16)
EACH = PlaneSelection('split', 'split', 'split', 'split')


def write(path: Path, **options) -> tuple[dict[str, np.ndarray], dict]:
    """The written images by what tells them apart, and the record."""
    out = path.parent / 'out'
    record = {'stacks': [], 'notes': [], 'images': []}
    options.setdefault('selection', EACH)
    with open_stack(path) as stack:
        StackWriter(
            stack, PreparationOptions(**options), out, 'x', record
        ).write_all()
    images = {
        image['file'][1:-4]: read_image(out / image['file'])
        for image in record['images']
    }
    return images, record


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, DEEP, imagej=True, metadata={'axes': 'ZCYX'})
    return path


def test_each_plane_is_stretched_as_training_does(stack: Path):
    images, record = write(stack)
    assert len(images) == 6
    np.testing.assert_array_equal(
        images['_z002_c1'], stretch_to_uint8(DEEP[2, 1], 1.0, 99.8)
    )
    assert images['_z002_c1'].std() > 60
    assert record['stacks'][0]['axes'] == 'ZCYX'
    assert record['stacks'][0]['sizes']['z'] == 3


def test_percentiles_of_a_stack_are_those_of_each_channel(tmp_path: Path):
    bright = DEEP.copy()
    bright[2, 0] += 800
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, bright, imagej=True, metadata={'axes': 'ZCYX'})
    images, _ = write(path, percentiles_of='stack')
    expected = stretch_to_uint8(bright[:, 0], 1.0, 99.8)
    for z in range(3):
        np.testing.assert_array_equal(images[f'_z{z:03d}_c0'], expected[z])
    np.testing.assert_array_equal(
        images['_z001_c1'], stretch_to_uint8(bright[:, 1], 1.0, 99.8)[1]
    )


def test_merged_channels_are_stretched_each_for_itself(tmp_path: Path):
    dyes = DEEP[0].copy()
    dyes[1] *= 40
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, dyes, imagej=True, metadata={'axes': 'CYX'})
    images, _ = write(path, selection=PlaneSelection(channel=(1, 0)))
    merged = images['']
    for i, dye in enumerate((1, 0)):
        np.testing.assert_array_equal(
            merged[..., i], stretch_to_uint8(dyes[dye], 1.0, 99.8)
        )
    assert not merged[..., 2].any()


def test_colours_are_stretched_jointly(tmp_path: Path):
    colours = RNG.integers(40, 90, (20, 30, 3), np.uint8)
    colours[..., 0] += 100
    Image.fromarray(colours).save(tmp_path / 'a.png')
    images, _ = write(tmp_path / 'a.png')
    np.testing.assert_array_equal(
        images[''], stretch_to_uint8(colours, 1.0, 99.8)
    )


def test_16_bits_without_normalisation_keep_every_value(stack: Path):
    images, _ = write(stack, bits=16, normalize='none')
    assert images['_z001_c0'].dtype == np.uint16
    np.testing.assert_array_equal(images['_z001_c0'], DEEP[1, 0])


def test_16_bits_of_percentiles_keep_every_step(stack: Path):
    images, _ = write(stack, bits=16, percentiles=(0.0, 100.0))
    assert images['_z000_c0'].max() == 65_535
    steps = len(np.unique(DEEP[0, 0]))
    assert len(np.unique(images['_z000_c0'])) == steps


def test_a_fixed_range_is_the_same_for_all(tmp_path: Path):
    for name, level in (('a', 1000), ('b', 3000)):
        tifffile.imwrite(
            tmp_path / f'{name}.tif', np.full((9, 9), level, np.uint16)
        )
    options = {'normalize': 'range', 'value_range': (0.0, 4000.0)}
    assert (write(tmp_path / 'a.tif', **options)[0][''] == 64).all()
    assert (write(tmp_path / 'b.tif', **options)[0][''] == 191).all()


@pytest.mark.parametrize(
    'form',
    [
        {'tile': (64, 64), 'compression': 'zlib'},
        {'rowsperstrip': 32, 'compression': 'lzw', 'byteorder': '>'},
        {'rowsperstrip': 300, 'compression': 'zlib'},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize('dtype', ['uint16', 'float32'])
def test_tiles_are_cut_from_the_stretched_image(
    tmp_path: Path, form: dict, dtype: str
):
    big = RNG.integers(1000, 1200, (300, 240)).astype(dtype)
    big[:50] += 300
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, big, **form)
    images, _ = write(path, tile_size=128, tile_above=200, tile_overlap=16)
    whole = stretch_to_uint8(big, 1.0, 99.8)
    assert len(images) == 6
    assert '_tile_y00172_x00112' in images
    for suffix, tile in images.items():
        y, x = (int(part[1:]) for part in suffix.split('_')[2:])
        np.testing.assert_array_equal(tile, whole[y : y + 128, x : x + 128])


def test_an_image_that_is_not_large_is_not_tiled(tmp_path: Path):
    Image.fromarray(DEEP[0, 0].astype(np.uint8)).save(tmp_path / 'a.png')
    for options in (
        {'tile_size': 32, 'tile_above': 80},
        {'tile_size': 0, 'tile_above': 1},
    ):
        assert list(write(tmp_path / 'a.png', **options)[0]) == ['']


def test_memory_is_bounded_by_a_row_of_tiles(tmp_path: Path):
    side = 4096
    path = tmp_path / 'big.tif'
    tile = RNG.integers(0, 4000, (256, 256), np.uint16)
    tifffile.imwrite(
        path,
        np.tile(tile, (side // 256, side // 256)),
        tile=(256, 256),
        compression='zlib',
    )
    tracemalloc.start()
    _, record = write(
        path, tile_size=256, tile_above=1024, selection=PlaneSelection()
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(record['images']) == 256
    # Reading the tiles back is 16 MiB, the whole image alone 32 MiB.
    assert peak < 30 * 2**20


def test_a_very_large_image_says_what_it_costs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(stack_writer, 'COSTLY_BYTES', 50_000)
    tifffile.imwrite(tmp_path / 'a.tif', DEEP[0, 0])
    _, record = write(tmp_path / 'a.tif')
    assert '80 x 60 pixels: takes about' in record['notes'][0]
    assert record['notes'][0] in capsys.readouterr().err
    Image.fromarray(DEEP[0, 0].astype(np.uint8)).save(tmp_path / 'a.png')
    _, record = write(tmp_path / 'a.png')
    assert '80 x 60 pixels, decoded whole: takes' in record['notes'][0]


def test_nan_and_infinities_are_counted(tmp_path: Path):
    image = RNG.normal(5, 1, (20, 30)).astype(np.float32)
    image[0, :4] = np.nan, np.inf, -np.inf, np.nan
    tifffile.imwrite(tmp_path / 'a.tif', image)
    images, record = write(tmp_path / 'a.tif')
    assert record['notes'] == [
        '4 values are NaN or infinite: written as black, +inf as white'
    ]
    assert images[''][0, :4].tolist() == [0, 255, 0, 0]
    assert images[''].std() > 40


def test_planes_that_were_not_recorded_are_counted(tmp_path: Path):
    file, gray = tmp_path / 'a.tif', {'photometric': 'minisblack'}
    tifffile.imwrite(file, DEEP[:, 0], ome=True, metadata={'axes': 'TYX'})
    with tifffile.TiffFile(file) as tiff:
        xml = tiff.ome_metadata.replace('SizeT="3"', 'SizeT="5"')
    tifffile.imwrite(
        file, DEEP[:, 0], description=xml.encode(), metadata=None, **gray
    )
    images, record = write(file)
    assert list(images) == ['_t000', '_t001', '_t002']
    assert '2 planes that the metadata speak of' in record['notes'][0]


def test_blank_and_label_like_images_are_marked(tmp_path: Path):
    labels = np.kron(np.arange(16).reshape(4, 4), np.ones((9, 9), int))
    tifffile.imwrite(
        tmp_path / 'a.tif',
        np.stack(
            [np.full((36, 36), 7), labels, RNG.integers(0, 99, (36, 36))]
        ).astype(np.uint16),
        photometric='minisblack',
    )
    _, record = write(tmp_path / 'a.tif')
    marks = [(image['blank'], image['labels']) for image in record['images']]
    assert marks == [(True, False), (False, True), (False, False)]


@pytest.mark.parametrize('shape', [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_png_is_lossless_and_in_rgb_order(shape, dtype):
    image = RNG.integers(0, np.iinfo(dtype).max, shape, dtype)
    data = np.frombuffer(png_bytes(image), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == dtype
    if len(shape) == 3:
        decoded = decoded[..., ::-1]
    np.testing.assert_array_equal(decoded, image)
