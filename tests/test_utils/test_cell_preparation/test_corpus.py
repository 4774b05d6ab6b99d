import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cupre_mm.utils.cell_preparation import conversion
from cupre_mm.utils.cell_preparation.corpus import prepare_corpus
from cupre_mm.utils.cell_preparation.preparation_options import (
    PreparationOptions,
)
from cupre_mm.utils.cell_preparation.raw_sources import parse_raw_sources
from cupre_mm.utils.errors import BadConfigError, BadDataError

REPORT = 'preparation_report.json'


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32), np.uint8)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Two sources that share a picture, one of them in two formats."""
    root = tmp_path / 'raw'
    save(root / 'one' / 'a.png', picture(0))
    save(root / 'one' / 'a.tif', picture(1))
    save(root / 'one' / 'b' / 'a.bmp', picture(2))
    save(root / 'two' / 'a.png', picture(3))
    save(root / 'two' / 'z.bmp', picture(0))
    return root


def prepare(raw: Path, out: Path, *names: str, **kwargs):
    sources = parse_raw_sources(
        [str(raw / n) for n in names or ('one', 'two')]
    )
    options = kwargs.pop('options', PreparationOptions())
    return prepare_corpus(sources, out, options, **kwargs)


def images_in(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob('*.png'))
    }


def report_in(out: Path) -> dict:
    return json.loads((out / REPORT).read_bytes())


def watch(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that are converted from here on."""
    done, real = [], conversion.StackWriter.write_all

    def write_all(self):
        done.append(self.stem)
        real(self)

    monkeypatch.setattr(conversion.StackWriter, 'write_all', write_all)
    return done


def test_names_folders_and_the_duplicate_across_sources(raw, tmp_path):
    out = tmp_path / 'out'
    result = prepare(raw, out)
    assert list(images_in(out)) == [
        'one/a.png.png',
        'one/a.tif.png',
        'one/b/a.bmp.png',
        'two/a.png.png',
    ]
    assert result.sections['two']['files']['z.bmp']['dropped'] == [
        {'image': 'two/z.bmp.png', 'of': 'one/a.png.png', 'distance': None}
    ]
    assert report_in(out)['counts']['images'] == 4
    assert report_in(out)['counts']['duplicates'] == 1


def test_workers_make_no_difference(raw, tmp_path):
    for i in range(4, 9):
        save(raw / 'two' / f'{i}.png', picture(i % 6))
    prepare(raw, tmp_path / 'one', workers=1)
    prepare(raw, tmp_path / 'two', workers=2)
    assert images_in(tmp_path / 'one') == images_in(tmp_path / 'two')
    assert report_in(tmp_path / 'one') == report_in(tmp_path / 'two')


def test_a_second_run_does_nothing_a_changed_file_only_itself(
    raw, tmp_path, monkeypatch
):
    out = tmp_path / 'out'
    prepare(raw, out)
    before = report_in(out)
    done = watch(monkeypatch)
    prepare(raw, out)
    assert done == []
    assert report_in(out) == before
    save(raw / 'one' / 'a.tif', picture(9)[:20])
    prepare(raw, out)
    assert done == ['one/a.tif']
    (out / 'two' / 'a.png.png').unlink()
    prepare(raw, out)
    assert done[1:] == ['two/a.png']


def test_a_changed_option_makes_everything_anew(raw, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    prepare(raw, out)
    done = watch(monkeypatch)
    tiles = PreparationOptions(tile_size=16, tile_above=16)
    result = prepare(raw, out, options=tiles)
    assert len(done) == 5
    assert result.removed == {'one': 3, 'two': 1}
    names = list(images_in(out))
    assert len(names) == 4 * 4
    assert all('_tile_y' in name for name in names)


def test_an_image_comes_back_when_what_it_was_a_copy_of_goes(
    raw, tmp_path, monkeypatch
):
    out = tmp_path / 'out'
    prepare(raw, out)
    (raw / 'one' / 'a.png').unlink()
    done = watch(monkeypatch)
    result = prepare(raw, out)
    assert done == ['two/z.bmp']
    assert 'two/z.bmp.png' in images_in(out)
    assert 'one/a.png.png' not in images_in(out)
    assert result.removed == {'one': 1, 'two': 0}


def test_a_run_that_was_cut_off_goes_on(raw, tmp_path, monkeypatch):
    prepare(raw, tmp_path / 'whole')
    out = tmp_path / 'out'
    real = conversion.StackWriter.write_all

    def stop_at_tif(self):
        if self.stem == 'one/a.tif':
            raise KeyboardInterrupt
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(conversion.StackWriter, 'write_all', stop_at_tif)
        with pytest.raises(KeyboardInterrupt):
            prepare(raw, out)
    assert report_in(out)['unfinished'] == ['one', 'two']
    # As a killed process leaves it.
    (out / 'one' / '.a.tif.png.123.part').write_bytes(b'half')
    done = watch(monkeypatch)
    prepare(raw, out)
    assert 'one/a.png' not in done
    assert images_in(out) == images_in(tmp_path / 'whole')
    assert report_in(out) == report_in(tmp_path / 'whole')
    assert not list(out.rglob('*.part'))


def test_one_source_at_a_time_gives_what_one_run_gives(raw, tmp_path):
    prepare(raw, tmp_path / 'both')
    out = tmp_path / 'out'
    prepare(raw, out, 'one')
    prepare(raw, out, 'two')
    prepare(raw, out, 'one')
    assert images_in(out) == images_in(tmp_path / 'both')
    assert report_in(out) == report_in(tmp_path / 'both')


def test_near_duplicates_go_when_asked_for_and_come_back(raw, tmp_path):
    blocks = np.kron(picture(7)[:6, :8] // 2, np.ones((40, 40), np.uint8))
    smooth = blocks + np.arange(320, dtype=np.uint8) // 3
    save(raw / 'one' / 'c.png', smooth)
    save(raw / 'two' / 'c.jpg', smooth)
    out = tmp_path / 'out'
    assert 'two/c.jpg.png' not in _after(raw, out, near=30)
    assert 'two/c.jpg.png' in _after(raw, out, near=None)


def _after(raw: Path, out: Path, near: int | None) -> dict[str, bytes]:
    prepare(raw, out, near=near)
    return images_in(out)


def test_unreadable_files_are_listed_until_they_are_mended(raw, tmp_path):
    (raw / 'one' / 'bad.tif').write_bytes(b'')
    out = tmp_path / 'out'
    section = prepare(raw, out).sections['one']
    assert section['counts']['unreadable'] == 1
    assert 'bad.tif: the file is empty' in section['files']['bad.tif']['error']
    assert len(images_in(out)) == 4
    save(raw / 'one' / 'bad.tif', picture(8))
    section = prepare(raw, out).sections['one']
    assert section['counts']['unreadable'] == 0
    assert 'one/bad.tif.png' in images_in(out)


def test_a_file_that_could_not_be_read_is_tried_again(
    raw, tmp_path, monkeypatch
):
    """Though it has not changed: its disk may have been away."""
    out, real = tmp_path / 'out', conversion.open_stack

    def away(path, series):
        if Path(path).name == 'a.tif':
            raise BadDataError(f'{path}: the network is down')
        return real(path, series)

    with monkeypatch.context() as patch:
        patch.setattr(conversion, 'open_stack', away)
        section = prepare(raw, out).sections['one']
    assert section['counts']['unreadable'] == 1
    section = prepare(raw, out).sections['one']
    assert section['counts']['unreadable'] == 0
    assert 'one/a.tif.png' in images_in(out)


def test_foreign_folders_are_left_alone(raw, tmp_path):
    out = tmp_path / 'out'
    save(out / 'one' / 'mine.png', picture(0))
    save(out / 'other' / 'mine.png', picture(0))
    with pytest.raises(BadConfigError, match='has not written'):
        prepare(raw, out, 'one')
    prepare(raw, out, 'two')
    assert {'one/mine.png', 'other/mine.png'} <= set(images_in(out))


def test_output_within_the_source_is_refused(raw):
    with pytest.raises(BadConfigError, match='would be written within'):
        prepare(raw, raw / 'one' / 'out', 'one')
    with pytest.raises(BadConfigError, match='would be written within'):
        prepare(raw, raw, 'one')
    shutil.copytree(raw / 'one', raw / 'three' / 'x')
    sources = parse_raw_sources([f'x={raw}/*/x/*.png'])
    with pytest.raises(BadConfigError, match='would be written within'):
        prepare_corpus(sources, raw / 'three', PreparationOptions())


def test_patterns_leave_files_out_and_are_checked(raw, tmp_path):
    save(raw / 'one' / 'a_masks.png', (picture(0) > 99).astype(np.uint8))
    result = prepare(raw, tmp_path / 'out', exclude=['*_masks*', '*_lables*'])
    assert result.sections['one']['excluded'] == ['a_masks.png']
    assert result.unmatched == ['*_lables*']


def test_identical_planes_of_a_stack_are_dropped(tmp_path):
    planes = np.stack([picture(0), picture(0) * 0, picture(0), picture(1) * 0])
    path = tmp_path / 'raw' / 's' / 'a.tif'
    path.parent.mkdir(parents=True)
    tifffile.imwrite(path, planes, imagej=True, metadata={'axes': 'ZYX'})
    prepare(tmp_path / 'raw', tmp_path / 'out', 's')
    assert list(images_in(tmp_path / 'out')) == [
        's/a.tif_z000.png',
        's/a.tif_z001.png',
    ]
