"""Scores and paired differences of reports."""

import numpy as np
import pytest

from cupre_mm.evaluation.paired_bootstrap import Bootstrap
from cupre_mm.evaluation.report_comparison import compare_reports, score_of
from cupre_mm.evaluation.saved_reports import read_reports
from cupre_mm.utils.errors import BadConfigError
from tests.report_files import image_rows, write_report

FAST = Bootstrap(200)


def _compare(*paths, **options):
    return compare_reports(read_reports(paths), bootstrap=FAST, **options)


def test_images_are_joined_by_file_name_and_not_by_their_order(tmp_path):
    first = write_report(tmp_path / 'a', images=image_rows([0.1, 0.2, 0.6]))
    rows = image_rows([0.5, 0.2, 0.3], ['2.png', '1.png', '0.png'])
    for row in rows:
        row['count_error'] = 0
    found = _compare(first, write_report(tmp_path / 'b', images=rows))
    accuracy, f1, count = found.paired
    assert [one.measure for one in found.paired] == [
        'mean_accuracy',
        'f1_50',
        'count_error',
    ]
    assert accuracy.differences == pytest.approx(
        {'0.png': 0.2, '1.png': 0.0, '2.png': -0.1}
    )
    assert accuracy.estimate.mean == pytest.approx(0.1 / 3)
    assert accuracy.estimate.better == pytest.approx(1 / 3)
    # Errors of -2, -1 and 0 cells of the baseline became none.
    assert count.differences == {'0.png': -2, '1.png': -1, '2.png': 0}
    assert count.estimate.better == pytest.approx(2 / 3)
    assert f1.estimate.num_images == 3


def test_an_image_without_a_defined_value_is_left_out_and_counted(tmp_path):
    first = write_report(tmp_path / 'a', [None, 0.2, 0.3, 0.4])
    second = write_report(tmp_path / 'b', [0.1, 0.3, float('nan'), -1.0])
    accuracy = _compare(first, second).paired[0]
    assert accuracy.differences == pytest.approx({'1.png': 0.1})
    assert accuracy.num_undefined == 3


def test_every_report_is_compared_with_the_baseline(tmp_path):
    paths = [
        write_report(tmp_path / name, metrics={'coco/bbox_mAP': value})
        for name, value in (('a', 0.4), ('b', 0.5), ('c', 0.3))
    ]
    found = _compare(*paths, baseline='b')
    assert [report.name for report in found.reports] == ['b', 'a', 'c']
    assert [one.name for one in found.paired[:2]] == ['a', 'c']
    differences = [
        found.difference(report, 'coco/bbox_mAP') for report in found.reports
    ]
    assert differences == pytest.approx([0.0, -0.1, -0.2])


def test_the_table_has_ap_and_ar_and_the_cell_scores_in_order(tmp_path):
    metrics = {'coco/cells_aji': 0.5, 'coco/cells_count_error_abs': 3.0}
    found = _compare(
        *(write_report(tmp_path / name, metrics=metrics) for name in 'ab')
    )
    assert list(found.columns.items()) == [
        *{
            'AP_bbox': 'coco/bbox_mAP',
            'AP50_bbox': 'coco/bbox_mAP_50',
            'AP75_bbox': 'coco/bbox_mAP_75',
            'AR_bbox': 'coco/bbox_AR',
            'AP_segm': 'coco/segm_mAP',
            'mean accuracy': 'coco/cells_mean_accuracy',
            'AJI': 'coco/cells_aji',
            'size of the count error (cells)': 'coco/cells_count_error_abs',
            'count error (cells)': 'coco/cells_count_error',
        }.items()
    ]


def test_scores_of_two_evaluators_keep_their_prefixes(tmp_path):
    metrics = {'easy/bbox_mAP': 0.6}
    found = _compare(
        *(write_report(tmp_path / name, metrics=metrics) for name in 'ab')
    )
    assert found.columns['easy AP_bbox'] == 'easy/bbox_mAP'
    assert found.columns['coco AP_bbox'] == 'coco/bbox_mAP'


def test_minus_one_is_undefined_but_for_a_count_error(tmp_path):
    report, _ = read_reports([write_report(tmp_path / name) for name in 'ab'])
    assert score_of(report, 'coco/bbox_mAP_l') is None
    assert score_of(report, 'coco/absent') is None
    assert score_of(report, 'coco/cells_count_error') == -1.0


def test_a_measure_that_a_report_lacks_is_said(tmp_path):
    rows = image_rows([0.1, 0.2, 0.3, 0.4])
    for row in rows:
        del row['f1_50']
    first = write_report(tmp_path / 'a')
    found = _compare(first, write_report(tmp_path / 'b', images=rows))
    assert {one.measure for one in found.paired} == {
        'mean_accuracy',
        'count_error',
    }
    assert 'The images of b have no f1_50' in found.notes[0]


def test_without_figures_of_images_the_scores_remain(tmp_path):
    first = write_report(tmp_path / 'a', images=[])
    found = _compare(first, write_report(tmp_path / 'b'))
    assert found.paired == []
    assert found.columns


def test_an_unknown_measure_or_baseline_is_refused(tmp_path):
    reports = read_reports([write_report(tmp_path / name) for name in 'ab'])
    with pytest.raises(BadConfigError, match='dice'):
        compare_reports(reports, measures=['dice'])
    with pytest.raises(BadConfigError, match="'c' is none of"):
        compare_reports(reports, baseline='c')


def test_a_constant_gain_has_a_sure_interval(tmp_path):
    accuracies = np.linspace(0.1, 0.5, 30)
    first = write_report(tmp_path / 'a', list(accuracies))
    second = write_report(tmp_path / 'b', list(accuracies + 0.1))
    estimate = _compare(first, second).paired[0].estimate
    assert estimate.low == pytest.approx(0.1)
    assert estimate.high == pytest.approx(0.1)
    assert estimate.p_value < 1e-5
