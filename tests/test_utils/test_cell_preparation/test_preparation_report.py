from collections import Counter
from pathlib import Path

from cupre_mm.utils.cell_preparation.duplicates import Duplicate
from cupre_mm.utils.cell_preparation.preparation_report import (
    COUNTS,
    dropped_images,
    known_sources,
    read_section,
    section_of,
    write_report,
    write_section,
)
from cupre_mm.utils.cell_preparation.raw_sources import Listing, RawSource


def image(file: str, labels=False, blank=False) -> dict:
    return {'file': file, 'labels': labels, 'blank': blank}


def record(*images: dict, z: int = 1, error=None, notes=()) -> dict:
    stacks = [{'sizes': {'t': 1, 'z': z, 'page': 1, 'channel': 1}}]
    return {
        'error': error,
        'stacks': stacks,
        'notes': list(notes),
        'images': list(images),
    }


RECORDS = {
    'a.tif': record(image('s/a_z0.png'), image('s/a_z1.png'), z=2),
    'bad.tif': record(error='bad.tif: cut short'),
    'b.png': record(image('s/b.png', labels=True), notes=['odd']),
    'c.png': record(image('s/c.png', blank=True)),
    'd.tif': record(image('s/d_tile_y0_x0.png'), image('s/d_tile_y0_x9.png')),
}
DUPLICATES = [
    Duplicate('s/a_z1.png', 's/a_z0.png', None),
    Duplicate('s/d_tile_y0_x9.png', 's/b.png', 7),
]


def section() -> dict:
    listing = Listing([], ['x_masks.png'], Counter({'.txt': 2}))
    return section_of(
        RawSource('s', '/raw/s'), {'bits': 8}, listing, RECORDS, DUPLICATES
    )


def test_everything_is_counted_once():
    assert section()['counts'] == {
        'files': 5,
        'unreadable': 1,
        'excluded': 1,
        'stacks': 1,
        'tiled': 1,
        'duplicates': 1,
        'near_duplicates': 1,
        'blank': 1,
        'label_like': 1,
        'noted': 1,
        'images': 4,
    }
    assert set(section()['counts']) == set(COUNTS)


def test_every_file_says_what_became_of_it():
    files = section()['files']
    assert set(files) == set(RECORDS)
    assert files['a.tif']['images'] == ['s/a_z0.png']
    assert files['a.tif']['dropped'] == [
        {'image': 's/a_z1.png', 'of': 's/a_z0.png', 'distance': None}
    ]
    assert files['bad.tif']['error'] == 'bad.tif: cut short'
    assert dropped_images(section()) == {d.file for d in DUPLICATES}
    assert dropped_images({}) == set()


def test_sources_of_earlier_runs_stay_in_the_report(tmp_path: Path):
    for name in ('one', 'two', 'cut', 'gone'):
        write_section(tmp_path, name, section())
        if name != 'gone':
            (tmp_path / name).mkdir()
    write_section(tmp_path, 'cut', {**section(), 'finished': False})
    assert known_sources(tmp_path) == ['cut', 'one', 'two']
    report = write_report(tmp_path)
    assert list(report['sources']) == ['one', 'two']
    assert report['unfinished'] == ['cut']
    assert report['counts']['images'] == 8
    assert read_section(tmp_path, 'one') == section()
    assert read_section(tmp_path, 'never') == {}
