import csv
import json

import pytest

from cupre_mm.evaluation.report_files import write_report
from cupre_mm.evaluation.report_run import describe_run
from tests.scored_cells import score_cells, write_cells

NUMBERS = ['report.csv', 'report.json', 'report.md']
ORIGIN = dict(config='c.py', checkpoint='w.pth', checkpoint_file='w.pth')


@pytest.fixture
def run(tmp_path):
    metric, scores = score_cells(write_cells(tmp_path / 'data'))
    return describe_run(scores, [metric], **ORIGIN)


def files_in(folder) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob('*')
        if path.is_file()
    )


def test_all_files_are_written_and_named(run, tmp_path):
    folder = tmp_path / 'new' / 'report'
    written = write_report(*run[:1], folder, run[1], tmp_path / 'data/images')
    found = files_in(folder)
    assert sorted(p.relative_to(folder).as_posix() for p in written) == found
    assert [name for name in found if '/' not in name] == sorted(
        [*NUMBERS, 'report.html']
    )
    assert len([name for name in found if name.startswith('plots/')]) == 5
    assert len([name for name in found if name.startswith('overlays/')]) == 3
    markdown = (folder / 'report.md').read_text()
    for name in found:
        if '/' in name:
            assert f']({name})' in markdown


def test_csv_has_a_row_an_image_and_agrees_with_json(run, tmp_path):
    write_report(run[0], tmp_path / 'r', pictures=False)
    with (tmp_path / 'r' / 'report.csv').open(newline='') as stream:
        rows = list(csv.DictReader(stream))
    report = json.loads((tmp_path / 'r' / 'report.json').read_text())
    assert [row['file_name'] for row in rows] == [
        'good.png',
        'middling.png',
        'bad.png',
    ]
    for row, image in zip(rows, report['images']):
        assert {*row} == {*image}
        assert float(row['mean_accuracy']) == image['mean_accuracy']
        assert row['stratum'] == ''


def test_without_pictures_only_numbers_are_written(run, tmp_path):
    write_report(*run[:1], tmp_path / 'r', run[1], pictures=False)
    assert files_in(tmp_path / 'r') == NUMBERS


def test_pictures_of_an_earlier_run_do_not_stay(run, tmp_path):
    folder = tmp_path / 'r'
    write_report(run[0], folder, run[1], tmp_path / 'data/images')
    (folder / 'overlays' / 'mine.png').write_bytes(b'kept')
    (folder / 'notes.txt').write_text('kept')
    write_report(run[0], folder, pictures=False)
    assert files_in(folder) == sorted(
        [*NUMBERS, 'notes.txt', 'overlays/mine.png']
    )


def test_missing_images_are_said_in_every_form(run, tmp_path):
    report, details = run
    write_report(report, tmp_path / 'r', details, tmp_path / 'absent')
    assert len(report.notes) == 3
    for name in ('report.md', 'report.html'):
        assert (
            'No overlay of image bad.png'
            in (tmp_path / 'r' / name).read_text()
        )
    saved = json.loads((tmp_path / 'r' / 'report.json').read_text())
    assert 'bad.png' in ' '.join(saved['notes'])


def test_without_details_there_is_a_page_but_no_csv(tmp_path):
    report, details = describe_run({'voc/mAP': 0.5}, [], **ORIGIN)
    write_report(report, tmp_path / 'r', details)
    assert files_in(tmp_path / 'r') == [
        'report.html',
        'report.json',
        'report.md',
    ]
