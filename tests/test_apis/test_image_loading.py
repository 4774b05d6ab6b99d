from pathlib import Path

import numpy as np
import pytest
import tifffile

from cupre_mm.apis import image_loading
from cupre_mm.apis.image_loading import LoadedImage, load_images
from cupre_mm.utils.cell_preparation.raw_sources import RawFile
from cupre_mm.utils.plane_selection import PlaneSelection
from tests.stub_segmenter import spots, write_image

ONE_PLANE = PlaneSelection()


def load(
    *paths: Path,
    selection: PlaneSelection = ONE_PLANE,
    series: int | str = 0,
    skipped: frozenset[str] = frozenset(),
    workers: int = 0,
) -> list[LoadedImage]:
    files = [
        (RawFile(path.name, str(path), 'stamp', 1), skipped) for path in paths
    ]
    return list(load_images(files, selection, series, workers))


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    planes = np.stack([spots(seed) for seed in range(3)])
    return write_image(
        tmp_path / 's.tif', planes, imagej=True, metadata={'axes': 'ZYX'}
    )


@pytest.fixture
def two_series(tmp_path: Path) -> Path:
    path = tmp_path / 'two.tif'
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(spots(1), photometric='minisblack')
        tiff.write(spots(2, (30, 40)), photometric='minisblack')
    return path


@pytest.mark.parametrize('workers', [0, 2])
def test_images_come_with_their_pixels(tmp_path, stack, workers):
    paths = [write_image(tmp_path / f'{i}.png', spots(i)) for i in range(5)]
    paths.insert(2, stack)
    found = load(*paths, selection=PlaneSelection(z='split'), workers=workers)
    planes = ['s.tif_z000', 's.tif_z001', 's.tif_z002']
    names = ['0.png', '1.png', *planes, '2.png', '3.png', '4.png']
    if not workers:
        assert [one.name for one in found] == names
    by_name = {one.name: one for one in found}
    assert sorted(by_name) == sorted(names)
    for i in range(5):
        np.testing.assert_array_equal(by_name[f'{i}.png'].pixels, spots(i))
    plane = by_name['s.tif_z001']
    np.testing.assert_array_equal(plane.pixels, spots(1))
    assert plane.suffixes == ('_z000', '_z001', '_z002')
    assert plane.source.name == 's.tif_z001'
    assert plane.source.axes == 'ZYX'


def test_planes_that_are_not_wanted_are_not_read(stack):
    found = load(
        stack,
        selection=PlaneSelection(z='split'),
        skipped=frozenset({'_z000', '_z002'}),
    )
    assert [one.name for one in found] == ['s.tif_z001']
    assert len(found[0].suffixes) == 3
    everything = frozenset({'_z000', '_z001', '_z002'})
    assert not load(
        stack, selection=PlaneSelection(z='split'), skipped=everything
    )


def test_all_series_of_a_file_have_names_of_their_own(two_series):
    found = load(two_series, series='split')
    assert [one.name for one in found] == ['two.tif_s0', 'two.tif_s1']
    assert [one.source.name for one in found] == ['two.tif_s0', 'two.tif_s1']
    assert [one.pixels.shape for one in found] == [(24, 32), (30, 40)]
    assert not any(one.notes for one in found)


def test_one_series_has_the_name_of_the_file_and_a_note(two_series):
    (found,) = load(two_series, series=1)
    assert found.name == found.source.name == 'two.tif'
    assert found.source.series == 1
    assert found.pixels.shape == (30, 40)
    assert '1 further image series' in found.notes[0]


def test_what_cannot_be_read_is_given_with_the_reason(tmp_path, stack):
    (tmp_path / 'text.tif').write_text('no image')
    write_image(tmp_path / 'a.png', spots(0))
    found = load(tmp_path / 'text.tif', stack, tmp_path / 'a.png')
    assert str(tmp_path / 'text.tif') in found[0].error
    assert found[0].part is None
    assert 'On the command line: --t, --z' in found[1].error
    assert found[2].error is None


def test_one_bad_plane_is_not_the_fault_of_the_others(stack, monkeypatch):
    read = image_loading._read_part

    def read_but_one(path, part, notes):
        if part.suffix == '_z001':
            raise MemoryError
        return read(path, part, notes)

    monkeypatch.setattr(image_loading, '_read_part', read_but_one)
    found = load(stack, selection=PlaneSelection(z='split'))
    assert [one.error is None for one in found] == [True, False, True]
    assert 'takes more memory than there is' in found[1].error
    assert found[1].part.suffix == '_z001'


def test_a_large_image_is_left_in_its_file(tmp_path, monkeypatch):
    path = write_image(tmp_path / 'a.tif', spots(3))
    monkeypatch.setattr(image_loading, '_LARGEST', 100)
    (found,) = load(path)
    assert found.pixels is None
    with found.source.open_image() as image:
        np.testing.assert_array_equal(image.rows(0, 24), spots(3))


def test_values_that_are_no_intensities(tmp_path):
    path = write_image(tmp_path / 'a.tif', spots(3).astype(np.complex64))
    (found,) = load(path)
    assert 'complex64' in found.error
