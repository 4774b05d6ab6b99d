"""Image files with damaged headers, through all that opens them."""

import functools
import io
import itertools
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import tifffile
from hypothesis import strategies as st

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.errors import UserError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.labelled_sets.source_images import (
    read_pixels,
    read_values,
    store_image,
)
from cupre_mm.utils.microscopy_io import (
    probe_image,
    read_image,
    to_three_channels,
)
from tests.fuzz.targets import Target

_SIDE = 12
_PLANES_READ = 4


@functools.cache
def seeds() -> list[bytes]:
    """Valid files of all formats, a few hundred bytes each."""
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (_SIDE, _SIDE), np.uint8)
    deep = rng.integers(0, 65536, (_SIDE, _SIDE), np.uint16)
    colour = rng.integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
    alpha = rng.integers(0, 256, (_SIDE, _SIDE, 4), np.uint8)
    made = [
        cv2.imencode(suffix, image)[1].tobytes()
        for suffix, image in (
            ('.png', gray),
            ('.png', deep),
            ('.png', colour),
            ('.png', alpha),
            ('.png', np.stack([deep] * 3, axis=-1)),
            ('.jpg', gray),
            ('.jpg', colour),
            ('.bmp', gray),
            ('.bmp', colour),
        )
    ]
    planes = np.stack([deep] * 6).reshape(3, 2, _SIDE, _SIDE)
    for image, options in (
        (gray, {}),
        (deep, dict(byteorder='>')),
        (deep, dict(bigtiff=True, compression='zlib')),
        (colour, dict(photometric='rgb', compression='lzw')),
        (colour, dict(photometric='rgb', planarconfig='separate')),
        (gray, dict(photometric='miniswhite', rowsperstrip=5)),
        (gray, dict(tile=(16, 16), compression='packbits')),
        (gray, dict(photometric='palette', colormap=_colours())),
        (planes, dict(ome=True, metadata={'axes': 'ZCYX'})),
        (planes, dict(imagej=True, metadata={'axes': 'ZCYX'})),
        (planes, dict(metadata=None)),
        (deep.astype(np.float32), dict(predictor=True, compression='zlib')),
        (gray > 99, dict(compression=None)),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, image, **options)
        made.append(file.getvalue())
    return made


def _colours() -> np.ndarray:
    return np.arange(3 * 256, dtype=np.uint16).reshape(3, 256) * 80


_NUMBERS = (0, 1, 2, 3, 7, 8, 12, 16, 255, 256, 65535, 65536, 2**20, 2**31 - 1)
_NUMBERS += (2**31, 2**32 - 1)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Files with a few bytes, tags or numbers of their header changed."""
    data = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(('byte', 'number', 'tag', 'head')))
        if change == 'tag' and data[:2] in (b'II', b'MM'):
            _change_tag(draw, data)
            continue
        # Headers are what is read before anything is checked.
        last = len(data) - 1 if change == 'byte' else min(60, len(data) - 1)
        place = draw(st.integers(0, max(last, 0)))
        if change == 'number':
            order = draw(st.sampled_from('<>'))
            kind = draw(st.sampled_from('BHI'))
            size = struct.calcsize(kind)
            number = draw(st.sampled_from(_NUMBERS)) % 256**size
            data[place : place + size] = struct.pack(order + kind, number)
        elif data:
            data[place : place + 1] = draw(st.binary(max_size=2))
    if data.startswith(b'\x89PNG') and draw(st.integers(0, 3)):
        _mend_checksum(data)
    if draw(st.integers(0, 4)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    if draw(st.integers(0, 9)) == 0:
        data += draw(st.binary(max_size=80))
    return bytes(data)


def _change_tag(draw: st.DrawFn, data: bytearray) -> None:
    """Change type, count or value of a tag of the first page."""
    order = '<' if data[:2] == b'II' else '>'
    big = bytes(data[2:4]) in (b'+\0', b'\0+')
    kind, entry, head = ('Q', 20, 8) if big else ('I', 12, 2)
    word = struct.calcsize(kind)
    try:
        (start,) = struct.unpack_from(order + kind, data, 8 if big else 4)
        (count,) = struct.unpack_from(
            order + ('Q' if big else 'H'), data, start
        )
    except struct.error:
        return
    if not 0 < count < 100:
        return
    place = start + head + entry * draw(st.integers(0, count - 1))
    part = draw(st.sampled_from(('code', 'type', 'count', 'value', 'value')))
    offset, form = {
        'code': (0, 'H'),
        'type': (2, 'H'),
        'count': (4, kind),
        'value': (4 + word, draw(st.sampled_from(('H', kind)))),
    }[part]
    number = draw(st.sampled_from(_NUMBERS)) % 256 ** struct.calcsize(form)
    if place + offset + struct.calcsize(form) <= len(data):
        struct.pack_into(order + form, data, place + offset, number)


def _mend_checksum(data: bytearray) -> None:
    """Let the first chunk of a PNG pass for whole."""
    if len(data) > 33:
        data[29:33] = struct.pack('>I', zlib.crc32(bytes(data[12:29])))


def _written(data: bytes, folder: Path) -> Path:
    path = folder / 'source' / 'image.tif'
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def _read(data: bytes, folder: Path) -> None:
    path = _written(data, folder)
    try:
        height, width = probe_image(path)
        assert height > 0
        assert width > 0
    except UserError:
        pass
    image = read_image(path)
    assert image.size
    to_three_channels(image)


def _read_planes(data: bytes, folder: Path) -> None:
    with open_stack(_written(data, folder)) as stack:
        layout = stack.layout
        sizes = (layout.t, layout.z, layout.page, layout.channel)
        places = itertools.product(*map(range, sizes))
        for place in itertools.islice(places, _PLANES_READ):
            if stack.has(*place):
                stack.read(*place, slice(0, layout.height))


def _store(data: bytes, folder: Path) -> None:
    _written(data, folder)
    with open_source(folder / 'source') as tree:
        for read in (read_values, read_pixels):
            try:
                read(tree, 'image.tif')
            except UserError:
                continue
        store_image(tree, 'image.tif', folder / 'stored' / 'image.tif')


TARGETS = (
    Target('image_read', '.img', files(), _read),
    Target('image_stack', '.img', files(), _read_planes),
    Target('image_store', '.img', files(), _store),
)
