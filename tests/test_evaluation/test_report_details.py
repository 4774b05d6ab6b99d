import json

import numpy as np
import pytest

from cupre_mm.evaluation.report_details import (
    collect_details,
    image_shapes,
    to_json_types,
)
from tests.scored_cells import score_cells, write_cells


@pytest.fixture
def ann_file(tmp_path):
    return write_cells(tmp_path)


def kinds_of(table: dict) -> dict[str, tuple[int, int]]:
    return {r['kind']: (r['cells'], r['detections']) for r in table['rows']}


def test_rows_of_images_join_cell_scores_with_counts(ann_file):
    metric, _ = score_cells(ann_file)
    rows = {r['file_name']: r for r in collect_details(metric.details).images}
    bad = rows['bad.png']
    assert (bad['cells'], bad['detections'], bad['matched']) == (3, 1, 0)
    assert (bad['missed_cells'], bad['false_detections']) == (3, 1)
    assert bad['fn'] == 3
    assert rows['good.png']['matched_f1'] == rows['good.png']['f1_50'] == 1
    assert rows['middling.png']['mean_accuracy'] == pytest.approx(1 / 3)


def test_error_kinds_are_summed_over_the_images(ann_file):
    metric, _ = score_cells(ann_file)
    table = collect_details(metric.details).error_kinds
    assert kinds_of(table)['missed'] == (4, 0)
    assert kinds_of(table)['false'] == (0, 2)
    assert (table['cells'], table['matched'], table['errors']) == (7, 3, 6)
    # The first cell of bad.png, found with a score of 0.3.
    assert table['found_below_score_thr'] == 1
    assert sum(row['share'] for row in table['rows']) == pytest.approx(1)


def test_score_threshold_moves_what_counts(ann_file):
    metric, _ = score_cells(ann_file)
    table = collect_details(metric.details, 0.2).error_kinds
    assert (table['matched'], table['found_below_score_thr']) == (4, 0)


def test_without_masks_boxes_are_matched(ann_file):
    metric, _ = score_cells(ann_file, metric='bbox')
    found = collect_details(metric.details)
    assert found.error_kinds['shapes'] == 'boxes'
    assert kinds_of(found.error_kinds)['missed'] == (4, 0)
    assert 'mean_accuracy' not in found.images[0]


def test_curves_are_those_of_the_metric(ann_file):
    metric, scores = score_cells(ann_file)
    curves = collect_details(metric.details).curves
    assert np.mean(curves['ap_by_iou']['segm']) == pytest.approx(
        scores['coco/segm_mAP']
    )
    assert np.shape(curves['precision']['bbox']) == (10, 101)
    assert sum(curves['calibration']['count']) == 6
    json.dumps(curves, allow_nan=False)


def test_neither_truth_nor_detections_leave_nothing_but_images(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path, {'a.png': []}), {})
    found = collect_details(metric.details)
    assert found.error_kinds['errors'] == 0
    assert {row['share'] for row in found.error_kinds['rows']} == {0}
    assert found.images[0]['matched_f1'] is None
    assert found.curves['calibration']['ece'] == -1


def test_crowd_regions_are_apart_from_cells(tmp_path):
    path = write_cells(tmp_path)
    content = json.loads(path.read_text())
    content['annotations'][0]['iscrowd'] = 1
    path.write_text(json.dumps(content))
    metric, _ = score_cells(path)
    _, shapes = next(image_shapes(metric.details))
    assert (len(shapes.truth), len(shapes.crowd)) == (1, 1)
    assert collect_details(metric.details).error_kinds['cells'] == 6


def test_what_json_lacks_becomes_null():
    given = {'a': np.array([1.0, np.nan]), 2: (np.int64(3), None, True)}
    assert to_json_types(given) == {'a': [1.0, None], '2': [3, None, True]}


def test_class_agnostic_over_a_part_of_the_categories_leaves_the_rest(
    tmp_path,
):
    content = json.loads(write_cells(tmp_path).read_text())
    content['categories'] += [
        {'id': 2, 'name': 'spheroid'},
        {'id': 3, 'name': 'debris'},
    ]
    content['annotations'][0]['category_id'] = 2
    content['annotations'][-1]['category_id'] = 3
    ann_file = tmp_path / 'three.json'
    ann_file.write_text(json.dumps(content))
    metric, scores = score_cells(
        ann_file, classes=('cell', 'spheroid'), class_agnostic=True
    )
    table = collect_details(metric.details).error_kinds
    assert table['cells'] == scores['coco/num_instances'] == 6
    assert table['matched'] == 3
