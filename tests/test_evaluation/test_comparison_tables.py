"""Comparisons as Markdown, CSV and JSON."""

import csv
import json

import pytest

from cupre_mm.evaluation.comparison_tables import (
    caveats,
    to_csv,
    to_json,
    to_markdown,
    write_tables,
)
from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from cupre_mm.evaluation.report_comparison import compare_reports
from cupre_mm.evaluation.saved_reports import read_reports
from tests.report_files import write_report


@pytest.fixture
def comparison(tmp_path):
    first = write_report(tmp_path / 'scratch')
    second = write_report(
        tmp_path / 'amt2',
        [0.2, 0.4, 0.3, None],
        metrics={'coco/bbox_mAP': 0.45, 'coco/cells_count_error': 0.5},
    )
    reports = read_reports([first, second])
    return compare_reports(reports, bootstrap=Bootstrap(200, seed=7))


def _cells(text: str, first: str) -> list[str]:
    """Cells of the table row that begins with some text."""
    rows = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in text.splitlines()
        if line.startswith('|')
    ]
    return next(row for row in rows if row[0] == first)


def test_scores_are_times_100_with_their_differences(comparison):
    text = to_markdown(comparison)
    assert _cells(text, 'score')[1:] == ['scratch', 'amt2']
    assert _cells(text, 'AP_bbox')[1:] == ['40.00', '45.00 (+5.00)']
    assert _cells(text, 'count error (cells)')[1:] == ['-1.00', '0.50 (+1.50)']
    row = _cells(text, 'mean accuracy')
    assert row[1:] == ['35.00', '35.00 (+0.00)']


def test_paired_differences_have_interval_shares_and_images(comparison):
    text = to_markdown(comparison).partition('on the same images')[2]
    row = _cells(text, 'mean accuracy')
    found = comparison.paired[0].estimate
    assert row[1:3] == ['amt2', '+10.00']
    assert row[3] == f'{100 * found.low:+.2f} to {100 * found.high:+.2f}'
    assert row[4:6] == ['67 %', '0 %']
    assert row[7] == '3 (1 undefined)'
    assert '(lower is better)' in text


def test_what_the_bootstrap_covers_and_does_not_is_said(comparison):
    text = to_markdown(comparison)
    assert 'choice of the test images, not that of the training seed' in text
    assert '200 resamples, seed 7' in text
    assert 'a model with lower scores throughout loses here' in text
    assert 'With 3 images, the intervals are too narrow' in text
    assert 'not corrected for the 3 comparisons' in text
    assert 'no interval is given for them' in text


def test_no_word_on_intervals_where_there_are_none(tmp_path):
    paths = [write_report(tmp_path / name, images=[]) for name in 'ab']
    comparison = compare_reports(read_reports(paths))
    assert not any('bootstrap' in line for line in caveats(comparison))


def test_csv_has_every_score_and_every_paired_difference(comparison):
    rows = list(csv.DictReader(to_csv(comparison).splitlines()))
    by_key = {(r['model'], r['scope'], r['figure']): r for r in rows}
    assert len(by_key) == len(rows)
    score = by_key['amt2', 'test set', 'coco/bbox_mAP']
    assert float(score['difference']) == pytest.approx(0.05)
    undefined = by_key['amt2', 'test set', 'coco/bbox_mAP_l']
    assert (undefined['value'], undefined['difference']) == ('', '')
    paired = by_key['amt2', 'mean over images', 'mean_accuracy']
    assert float(paired['difference']) == pytest.approx(0.1)
    assert float(paired['low']) == comparison.paired[0].estimate.low
    assert paired['num_images'] == '3'


def test_json_has_the_difference_of_every_image(comparison):
    content = json.loads(to_json(comparison))
    assert content['baseline'] == 'scratch'
    assert [model['name'] for model in content['models']] == [
        'scratch',
        'amt2',
    ]
    assert content['models'][1]['scores']['coco/bbox_mAP_l'] is None
    accuracy = content['paired'][0]
    assert accuracy['differences'] == pytest.approx(
        {'0.png': 0.1, '1.png': 0.2, '2.png': 0.0}
    )
    assert content['bootstrap']['seed'] == 7
    assert any('training seed' in note for note in content['notes'])


def test_the_files_are_written_into_a_new_folder(comparison, tmp_path):
    written = write_tables(tmp_path / 'new' / 'out', comparison)
    assert [path.name for path in written] == [
        'comparison.md',
        'comparison.csv',
        'comparison.json',
    ]
    assert written[0].read_text().startswith('# Comparison\n')
    assert written[1].read_text() == to_csv(comparison)
    assert written[2].read_bytes() == to_json(comparison)
