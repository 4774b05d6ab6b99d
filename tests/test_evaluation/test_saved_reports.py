"""Reports that can, and that cannot, be compared."""

import json

import pytest

from cupre_mm.evaluation.saved_reports import (
    baseline_name,
    check_comparable,
    read_reports,
)
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)
from tests.report_files import image_rows, write_report


def _notes(*paths) -> str:
    return '\n'.join(check_comparable(read_reports(paths)))


def test_files_and_folders_are_read_and_named_by_their_folders(tmp_path):
    first = write_report(tmp_path / 'scratch')
    write_report(tmp_path / 'amt2')
    reports = read_reports([first, tmp_path / 'amt2'])
    assert [report.name for report in reports] == ['scratch', 'amt2']
    assert list(reports[0].images) == ['0.png', '1.png', '2.png', '3.png']
    assert check_comparable(reports) == []


def test_folders_of_one_name_are_told_apart_by_their_parents(tmp_path):
    paths = [write_report(tmp_path / s / 'test') for s in ('a', 'b')]
    names = [report.name for report in read_reports(paths)]
    assert names == ['a/test', 'b/test']


def test_files_of_one_folder_are_told_apart_by_their_names(tmp_path):
    first = write_report(tmp_path / 'run')
    second = first.with_name('later.json')
    second.write_text(first.read_text())
    names = [report.name for report in read_reports([first, second])]
    assert names == ['run', 'run/later']


def test_one_report_is_nothing_to_compare(tmp_path):
    path = write_report(tmp_path / 'a')
    with pytest.raises(BadConfigError, match='two reports or more, got 1'):
        read_reports([path])


def test_a_report_given_twice_is_refused(tmp_path):
    path = write_report(tmp_path / 'a')
    with pytest.raises(BadConfigError, match='twice'):
        read_reports([path, path.parent])


@pytest.mark.parametrize('names', [['one'], ['one', 'one']])
def test_names_must_fit_the_reports(tmp_path, names):
    paths = [write_report(tmp_path / name) for name in 'ab']
    with pytest.raises(BadConfigError, match='2 reports need as many names'):
        read_reports(paths, names)


def test_a_report_that_is_not_there_is_named_with_the_command(tmp_path):
    path = write_report(tmp_path / 'a')
    with pytest.raises(MissingDataError, match=r'none.*--report DIR'):
        read_reports([path, tmp_path / 'none'])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"metrics"', 'not JSON'),
        ('{"coco/bbox_mAP": 0.3}', "lacks 'metrics'"),
        ('[1]', "lacks 'metrics'"),
        ('{"metrics": {}, "images": {"1.png": 3}}', "'images' is no list"),
    ],
)
def test_a_file_that_is_no_report_is_refused(tmp_path, text, message):
    other = tmp_path / 'b.json'
    other.write_text(text)
    with pytest.raises(BadDataError, match=message):
        read_reports([write_report(tmp_path / 'a'), other])


def test_an_image_that_comes_twice_is_refused(tmp_path):
    rows = image_rows([0.1, 0.2], ['1.png', '1.png'])
    path = write_report(tmp_path / 'a', images=rows)
    with pytest.raises(BadDataError, match=r"'1\.png' twice"):
        read_reports([path, write_report(tmp_path / 'b')])


def test_different_annotation_files_are_refused(tmp_path):
    paths = [
        write_report(tmp_path / name, truth=f'truth_{name}') for name in 'ab'
    ]
    with pytest.raises(BadDataError, match='different annotation files') as e:
        _notes(*paths)
    assert 'truth_a.json' in str(e.value)
    assert 'truth_b.json' in str(e.value)


@pytest.mark.parametrize('unknown', [[], ['']])
def test_unknown_annotation_files_are_said(tmp_path, unknown):
    first = write_report(tmp_path / 'a')
    second = write_report(tmp_path / 'b', ann_sha256=unknown)
    assert 'checksums of the annotation files are not' in _notes(first, second)


def test_different_images_are_refused_whichever_report_lacks_them(tmp_path):
    all_images = write_report(tmp_path / 'a')
    fewer = write_report(tmp_path / 'b', images=image_rows([0.1, 0.2]))
    for paths in ((all_images, fewer), (fewer, all_images)):
        with pytest.raises(BadDataError, match='lacks 2 of the 4 images') as e:
            _notes(*paths)
        assert "'2.png', '3.png'" in str(e.value)


def test_images_in_another_order_are_the_same_images(tmp_path):
    first = write_report(tmp_path / 'a')
    rows = json.loads(first.read_text())['images'][::-1]
    assert _notes(first, write_report(tmp_path / 'b', images=rows)) == ''


def test_different_cells_of_an_image_are_refused(tmp_path):
    rows = image_rows([0.1, 0.2, 0.3, 0.4])
    rows[2]['cells'] = 11
    first = write_report(tmp_path / 'a')
    second = write_report(tmp_path / 'b', images=rows)
    with pytest.raises(BadDataError, match=r'2\.png has 10 cells .* 11'):
        _notes(first, second)


def test_different_counts_are_refused_without_images_too(tmp_path):
    first = write_report(tmp_path / 'a', images=[])
    second = write_report(
        tmp_path / 'b', images=[], metrics={'coco/num_images': 5}
    )
    with pytest.raises(BadDataError, match='num_images is 4 and 5'):
        _notes(first, second)


def test_a_report_of_the_first_schema_is_left_out_and_named(tmp_path):
    first, second = (write_report(tmp_path / name) for name in 'ab')
    content = json.loads(first.read_text())
    del content['images']
    first.write_text(json.dumps(content | {'schema_version': 1}))
    notes = _notes(first, second)
    assert str(first) in notes
    assert str(second) not in notes
    assert 'Test again' in notes


def test_the_same_checkpoint_tested_twice_is_said(tmp_path):
    first = write_report(tmp_path / 'a')
    digest = json.loads(first.read_text())['checkpoint_sha256']
    second = write_report(tmp_path / 'b', checkpoint_sha256=digest)
    assert 'a and b are tests of the same checkpoint' in _notes(first, second)


def test_settings_that_differ_are_said(tmp_path):
    first = write_report(tmp_path / 'a', details={'max_dets': 3000})
    second = write_report(
        tmp_path / 'b',
        details={'max_dets': 100},
        metrics={'coco/cells_score_thr': 0.3},
    )
    notes = _notes(first, second)
    assert 'max_dets' in notes
    assert 'a 3000, b 100' in notes
    assert 'cells_score_thr' in notes
    assert 'a 0.5, b 0.3' in notes


def test_the_baseline_goes_by_name_file_or_folder(tmp_path):
    paths = [write_report(tmp_path / name) for name in 'ab']
    reports = read_reports(paths, ['first', 'second'])
    for wanted in ('second', str(paths[1]), str(tmp_path / 'b')):
        assert baseline_name(wanted, reports) == 'second'
    with pytest.raises(BadConfigError, match="'third' is none of"):
        baseline_name('third', reports)
