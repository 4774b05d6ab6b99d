import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.archives import open_source
from cupre_mm.utils.cell_preparation.conversion import (
    PreparationItem,
    convert_file,
    remove_leftovers,
)
from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.plane_selection import PlaneSelection

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
EACH = PlaneSelection('split', 'split', 'split', 'split')


def convert(path: Path, out: Path, tree=None, **options) -> dict:
    item = PreparationItem(path.name, 'x', str(path), f'src/{path.name}')
    if tree is not None:
        item = item._replace(path=path.name)
    return convert_file(tree, item, PreparationOptions(**options), out)


def files_of(record: dict) -> list[str]:
    return [image['file'] for image in record['images']]


def test_a_zip_gives_what_the_folder_gives(tmp_path: Path):
    Image.fromarray(IMAGE).save(tmp_path / 'a.png')
    archive = tmp_path / 'src.zip'
    with zipfile.ZipFile(archive, 'w') as file:
        file.write(tmp_path / 'a.png', 'a.png')
        file.writestr('bad.png', 'no image')
    (tmp_path / 'two').mkdir()
    with open_source(archive) as tree:
        zipped = convert(tmp_path / 'a.png', tmp_path / 'two', tree)
        bad = convert(tmp_path / 'bad.png', tmp_path / 'two', tree)
    assert zipped == convert(tmp_path / 'a.png', tmp_path / 'one')
    assert bad['error'].startswith(f'{archive}/bad.png: cannot be read')
    written = {path.name for path in (tmp_path / 'two').rglob('*')}
    assert written == {'src', 'a.png.png'}


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path):
    (tmp_path / '.unpacked_abc').mkdir()
    (tmp_path / '.unpacked_abc' / 'big.tif').write_bytes(b'1')
    (tmp_path / 'mine').mkdir()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['mine']


def test_a_damaged_plane_takes_the_whole_file_out(tmp_path: Path):
    path = tmp_path / 'a.tif'
    planes = np.random.default_rng(0).integers(0, 999, (4, 40, 50), np.uint16)
    tifffile.imwrite(
        path, planes, compression='zlib', photometric='minisblack'
    )
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[2].dataoffsets[0] + 50
    data = bytearray(path.read_bytes())
    data[start : start + 200] = b'\xff' * 200
    path.write_bytes(data)
    record = convert(path, tmp_path / 'out', selection=EACH)
    assert f'{path}: cannot be read' in record['error']
    assert record['images'] == []
    assert not list((tmp_path / 'out').rglob('*.png'))


def test_further_series_are_noted_or_split(tmp_path: Path):
    path = tmp_path / 'a.tif'
    with tifffile.TiffWriter(path) as writer:
        writer.write(IMAGE)
        writer.write(IMAGE[:8, :9])
    first = convert(path, tmp_path / 'out')
    assert files_of(first) == ['src/a.tif.png']
    assert '1 further image series not used' in first['notes'][0]
    both = convert(path, tmp_path / 'out', series='split')
    assert files_of(both) == ['src/a.tif_s0.png', 'src/a.tif_s1.png']
    assert both['notes'] == []
    second = convert(path, tmp_path / 'out', series=1)
    assert second['images'][0]['shape'] == [8, 9]


def test_an_option_that_the_file_cannot_meet_names_both(tmp_path: Path):
    Image.fromarray(IMAGE).save(tmp_path / 'a.png')
    record = convert(
        tmp_path / 'a.png',
        tmp_path / 'out',
        selection=PlaneSelection(channel=(0, 1)),
    )
    assert record['error'].startswith(f'{tmp_path}/a.png: channel=1, but')


@pytest.mark.parametrize('error', [MemoryError, None])
def test_want_of_memory_is_an_error_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error
):
    from cupre_mm.utils.cell_preparation import conversion

    def starve(self):
        if error:
            raise error

    monkeypatch.setattr(conversion.StackWriter, 'write_all', starve)
    Image.fromarray(IMAGE).save(tmp_path / 'a.png')
    record = convert(tmp_path / 'a.png', tmp_path / 'out')
    assert ('more memory' in (record['error'] or '')) == bool(error)
