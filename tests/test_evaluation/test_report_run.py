from types import SimpleNamespace

from cupre_mm.evaluation import DumpPredictions
from cupre_mm.evaluation.report_run import describe_run, image_folder_of
from tests.scored_cells import score_cells, write_cells

ORIGIN = dict(config='c.py', checkpoint='w.pth', checkpoint_file='w.pth')


class CocoMetric:
    """Stands for a metric that keeps no details."""


def test_cell_metric_gives_all_and_no_note(tmp_path):
    metric, scores = score_cells(write_cells(tmp_path))
    report, details = describe_run(scores, [metric], **ORIGIN)
    assert details is metric.details
    assert len(report.images) == 3
    assert report.error_kinds['score_thr'] == 0.5
    assert report.notes == []


def test_score_threshold_is_that_of_the_cell_scores(tmp_path):
    metric, scores = score_cells(
        write_cells(tmp_path), cell_scores=dict(score_thr=0.25)
    )
    report, _ = describe_run(scores, [metric], **ORIGIN)
    assert report.details['score_thr'] == 0.25
    assert report.error_kinds['matched'] == 4


def test_another_metric_is_named_as_what_the_report_lacks(tmp_path):
    dump = DumpPredictions(out_file_path=str(tmp_path / 'p.pkl'))
    report, details = describe_run(
        {'coco/bbox_mAP': 0.5}, [CocoMetric(), dump], **ORIGIN
    )
    assert details is None
    assert report.details == {}
    (note,) = report.notes
    assert 'CocoMetric does not keep' in note
    assert 'DumpPredictions' not in note


def test_of_two_metrics_the_one_shown_is_named(tmp_path):
    metric, scores = score_cells(write_cells(tmp_path))
    report, _ = describe_run(scores, [CocoMetric(), metric], **ORIGIN)
    assert len(report.images) == 3
    assert 'not of CocoMetric' in report.notes[0]


def test_image_folder_is_found_inside_wrappers():
    inner = SimpleNamespace(data_prefix={'img': 'data/images'})
    assert image_folder_of(inner) == 'data/images'
    wrapped = SimpleNamespace(dataset=SimpleNamespace(dataset=inner))
    assert image_folder_of(wrapped) == 'data/images'
    old = SimpleNamespace(data_prefix={'img_path': 'x'})
    assert image_folder_of(old) == 'x'
    assert image_folder_of(SimpleNamespace()) is None
