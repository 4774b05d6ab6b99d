import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.image_stacks import open_stack

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 4000, (4, 2, 40, 50), np.uint16)
COLOUR_STACK = RNG.integers(0, 256, (5, 40, 50, 3), np.uint8)


def every_plane(path: Path, rows: slice = slice(3, 21)) -> np.ndarray:
    """All planes in the order of time, depth, page and channel."""
    with open_stack(path) as stack:
        layout = stack.layout
        return np.stack(
            [
                stack.read(t, z, page, channel, rows)
                for t in range(layout.t)
                for z in range(layout.z)
                for page in range(layout.page)
                for channel in range(layout.channel)
            ]
        )


@pytest.mark.parametrize(
    'form',
    [
        {'imagej': True},
        {'ome': True},
        {'ome': True, 'compression': 'zlib', 'tile': (16, 16)},
        {'ome': True, 'compression': 'lzw', 'byteorder': '>'},
        {'ome': True, 'bigtiff': True},
    ],
    ids=str,
)
def test_z_and_channels_of_ome_and_imagej(tmp_path: Path, form: dict):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, STACK, metadata={'axes': 'ZCYX'}, **form)
    with open_stack(path) as stack:
        layout = stack.layout
        assert (layout.axes, layout.z, layout.channel) == ('ZCYX', 4, 2)
        assert (layout.height, layout.width) == (40, 50)
        assert layout.dtype == 'uint16'
        assert not layout.colour
    read = every_plane(path)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, STACK.reshape(8, 40, 50)[:, 3:21])


def test_channels_before_z_are_not_mixed_up(tmp_path: Path):
    path = tmp_path / 'a.ome.tif'
    tifffile.imwrite(path, STACK, metadata={'axes': 'CZYX'})
    with open_stack(path) as stack:
        assert (stack.layout.channel, stack.layout.z) == (4, 2)
        np.testing.assert_array_equal(
            stack.read(0, 1, 0, 3, slice(0, 40)), STACK[3, 1]
        )


@pytest.mark.parametrize('metadata', [None, {}], ids=['plain', 'shaped'])
def test_axes_without_a_name_are_pages(tmp_path: Path, metadata):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, STACK, photometric='minisblack', metadata=metadata)
    with open_stack(path) as stack:
        assert (stack.layout.page, stack.layout.z) == (8, 1)
    np.testing.assert_array_equal(
        every_plane(path), STACK.reshape(8, 40, 50)[:, 3:21]
    )


@pytest.mark.parametrize(
    'form', [{'imagej': True}, {'ome': True, 'compression': 'zlib'}], ids=str
)
def test_stacks_of_colour_planes(tmp_path: Path, form: dict):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(path, COLOUR_STACK, metadata={'axes': 'ZYXS'}, **form)
    with open_stack(path) as stack:
        assert stack.layout.colour
        assert (stack.layout.z, stack.layout.channel) == (5, 1)
    np.testing.assert_array_equal(every_plane(path), COLOUR_STACK[:, 3:21])


def test_dyes_that_lie_together_are_channels(tmp_path: Path):
    path = tmp_path / 'a.tif'
    dyes = RNG.integers(0, 4000, (40, 50, 5), np.uint16)
    tifffile.imwrite(
        path, dyes, photometric='minisblack', planarconfig='contig'
    )
    with open_stack(path) as stack:
        assert (stack.layout.channel, stack.layout.colour) == (5, False)
    np.testing.assert_array_equal(
        every_plane(path), np.moveaxis(dyes, -1, 0)[:, 3:21]
    )


def test_samples_called_channels_are_colours_where_the_page_is_rgb(
    tmp_path: Path,
):
    path = tmp_path / 'a.tif'
    tifffile.imwrite(
        path, COLOUR_STACK[0], photometric='rgb', metadata={'axes': 'YXC'}
    )
    np.testing.assert_array_equal(every_plane(path)[0], COLOUR_STACK[0, 3:21])


def test_a_volume_in_one_page_is_a_stack(tmp_path: Path):
    path = tmp_path / 'a.tif'
    volume = RNG.integers(0, 256, (16, 32, 48), np.uint8)
    tifffile.imwrite(
        path,
        volume,
        volumetric=True,
        tile=(16, 16, 16),
        photometric='minisblack',
    )
    with open_stack(path) as stack:
        assert (stack.layout.z, stack.by_rows) == (16, False)
    np.testing.assert_array_equal(every_plane(path), volume[:, 3:21])


def test_only_the_full_resolution_of_a_pyramid_counts(tmp_path: Path):
    path = tmp_path / 'a.ome.tif'
    big = RNG.integers(0, 60_000, (2, 256, 320), np.uint16)
    tiles = {'tile': (64, 64), 'photometric': 'minisblack'}
    with tifffile.TiffWriter(path) as writer:
        writer.write(big, subifds=1, metadata={'axes': 'CYX'}, **tiles)
        writer.write(big[:, ::2, ::2], subfiletype=1, **tiles)
    with open_stack(path) as stack:
        layout = stack.layout
        assert (layout.levels, layout.series, layout.channel) == (2, 1, 2)
        assert (layout.height, layout.width) == (256, 320)
    np.testing.assert_array_equal(every_plane(path), big[:, 3:21])


def test_images_of_other_shapes_are_further_series(tmp_path: Path):
    path = tmp_path / 'a.tif'
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[0, 0])
        writer.write(STACK[0, 1, :20, :30])
    with open_stack(path) as stack:
        assert stack.layout.series == 2
    with open_stack(path, 1) as stack:
        np.testing.assert_array_equal(
            stack.read(0, 0, 0, 0, slice(0, 20)), STACK[0, 1, :20, :30]
        )
    with pytest.raises(BadDataError, match=r'a\.tif: series=2.* 2 image'):
        open_stack(path, 2).__enter__()


def test_a_file_of_an_ome_set_gives_its_own_planes(tmp_path: Path):
    """Else each of the files would give the planes of all of them."""
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:{own}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        'DimensionOrder="XYZCT" Type="uint16" SizeX="50" SizeY="40" '
        'SizeC="1" SizeZ="1" SizeT="2">'
        '<Channel ID="Channel:0" SamplesPerPixel="1"/>'
        '<TiffData FirstT="0" IFD="0" PlaneCount="1"><UUID '
        'FileName="t0.ome.tif">urn:uuid:0</UUID></TiffData>'
        '<TiffData FirstT="1" IFD="0" PlaneCount="1"><UUID '
        'FileName="t1.ome.tif">urn:uuid:1</UUID></TiffData>'
        '</Pixels></Image></OME>'
    )
    for t in (0, 1):
        tifffile.imwrite(
            tmp_path / f't{t}.ome.tif',
            STACK[t, 0],
            description=xml.format(own=t).encode(),
            metadata=None,
        )
    with tifffile.TiffFile(tmp_path / 't1.ome.tif') as tiff:
        assert tiff.series[0].shape == (2, 40, 50)
    for t in (0, 1):
        np.testing.assert_array_equal(
            every_plane(tmp_path / f't{t}.ome.tif'), STACK[t, :1, 3:21]
        )


def test_planes_that_were_never_recorded_are_known(tmp_path: Path):
    path = tmp_path / 'a.ome.tif'
    gray = {'photometric': 'minisblack'}
    tifffile.imwrite(path, STACK[:, 0], metadata={'axes': 'TYX'}, **gray)
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata.replace('SizeT="4"', 'SizeT="6"')
    tifffile.imwrite(
        path, STACK[:, 0], description=xml.encode(), metadata=None, **gray
    )
    with open_stack(path) as stack:
        assert stack.layout.t == 6
        there = [stack.has(t, 0, 0, 0) for t in range(6)]
        assert there == [True] * 4 + [False] * 2
        assert any('missing 2 frames' in note for note in stack.notes)


def write_12_bit(path: Path, image: np.ndarray) -> None:
    """A TIFF of packed 12-bit values, which tifffile reads, not writes."""
    height, width = image.shape
    bits = (image[..., None] >> np.arange(11, -1, -1)) & 1
    rows = bits.astype(np.uint8).reshape(height, -1)
    data = np.packbits(rows, axis=1).tobytes()
    tags = [
        (256, width),
        (257, height),
        (258, 12),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, len(data)),
    ]
    path.write_bytes(
        struct.pack('<2sHI', b'II', 42, 8 + len(data))
        + data
        + struct.pack('<H', len(tags))
        + b''.join(struct.pack('<HHII', tag, 4, 1, v) for tag, v in tags)
        + bytes(4)
    )


def test_packed_12_bit_values(tmp_path: Path):
    image = RNG.integers(0, 4096, (13, 17), np.uint16)
    write_12_bit(tmp_path / 'a.tif', image)
    read = every_plane(tmp_path / 'a.tif', slice(0, 13))[0]
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize('dtype', ['int16', 'uint32', 'float32', '>f8', 'i1'])
def test_number_types_are_kept(tmp_path: Path, dtype: str):
    image = (STACK[0, 0] % 100 - 20).astype(dtype)
    tifffile.imwrite(tmp_path / 'a.tif', image)
    read = every_plane(tmp_path / 'a.tif')[0]
    assert read.dtype == np.dtype(dtype).newbyteorder('=')
    np.testing.assert_array_equal(read, image[3:21])


def test_an_ordinary_image_is_one_plane(tmp_path: Path):
    rgba = np.dstack([COLOUR_STACK[0], np.full((40, 50), 7, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / 'a.png')
    with open_stack(tmp_path / 'a.png') as stack:
        layout = stack.layout
        assert (layout.t, layout.z, layout.page, layout.channel) == (1,) * 4
        assert layout.colour
    np.testing.assert_array_equal(
        every_plane(tmp_path / 'a.png')[0], COLOUR_STACK[0, 3:21]
    )


def read_all(path: Path) -> None:
    every_plane(path, slice(0, 40))


@pytest.mark.parametrize(
    'form',
    [
        {'imagej': True},
        {'ome': True},
        {'ome': True, 'compression': 'zlib'},
        {'photometric': 'minisblack', 'metadata': None},
        {'photometric': 'minisblack'},
    ],
    ids=str,
)
@pytest.mark.parametrize('share', [0.02, 0.4, 0.9, 0.99])
def test_no_plane_of_a_truncated_stack_is_lost_silently(
    tmp_path: Path, form: dict, share: float
):
    path = tmp_path / 'cut.tif'
    axes = {} if 'photometric' in form else {'metadata': {'axes': 'ZCYX'}}
    tifffile.imwrite(path, STACK, **axes, **form)
    read_all(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadDataError, match=r'cut\.tif'):
        read_all(path)


@pytest.mark.parametrize(
    'form',
    [
        {'imagej': True, 'metadata': {'axes': 'ZCYX'}},
        {'photometric': 'minisblack'},
    ],
    ids=['imagej', 'shaped'],
)
def test_planes_without_a_page_each(tmp_path: Path, form: dict):
    path = tmp_path / 'cut.tif'
    tifffile.imwrite(path, STACK, truncate=True, **form)
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.pages) == 1
    np.testing.assert_array_equal(
        every_plane(path), STACK.reshape(8, 40, 50)[:, 3:21]
    )
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(BadDataError, match=r'cut\.tif: cut short'):
        open_stack(path).__enter__()


def test_a_page_without_any_values_is_not_taken_for_a_black_one(
    tmp_path: Path,
):
    path = tmp_path / 'void.tif'
    tifffile.imwrite(path, STACK[0, 0], compression='zlib')
    with tifffile.TiffFile(path, mode='r+') as tiff:
        tiff.pages[0].tags['StripByteCounts'].overwrite([0])
    with pytest.raises(BadDataError, match=r'void\.tif: a page without any'):
        read_all(path)


def test_damaged_compression_in_the_middle_is_named(tmp_path: Path):
    path = tmp_path / 'bad.tif'
    tifffile.imwrite(path, STACK, compression='zlib', photometric='minisblack')
    with tifffile.TiffFile(path) as tiff:
        middle = tiff.pages[3].dataoffsets[0] + 100
    data = bytearray(path.read_bytes())
    data[middle : middle + 400] = b'\xff' * 400
    path.write_bytes(data)
    with pytest.raises(BadDataError, match=r'bad\.tif: cannot be read'):
        read_all(path)


def _empty(path: Path) -> None:
    path.write_bytes(b'')


def _text(path: Path) -> None:
    path.write_text('<html>404: not found</html>')


def _complex(path: Path) -> None:
    tifffile.imwrite(path, STACK[0, 0].astype(np.complex64))


def _no_pixels(path: Path) -> None:
    with pytest.warns(UserWarning, match='zero-size'):
        tifffile.imwrite(path, np.zeros((0, 5), np.uint8))


@pytest.mark.parametrize('write', [_empty, _text, _complex, _no_pixels])
def test_what_is_no_image_is_named(tmp_path: Path, write):
    write(tmp_path / 'odd.tif')
    with pytest.raises(BadDataError, match=r'odd\.tif: '):
        read_all(tmp_path / 'odd.tif')


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(MissingDataError, match=r'none\.tif'):
        read_all(tmp_path / 'none.tif')
