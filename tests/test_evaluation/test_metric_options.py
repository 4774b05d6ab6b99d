"""CellMetric's size bins, preset, strata, caps and cell scores."""

import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from cupre_mm.evaluation import CellMetric, image_matches
from cupre_mm.evaluation.cell_scores import CellScores
from tests.random_detections import (
    pycocotools_scores,
    random_set,
    score,
    write,
)

LIVECELL_AREAS = [[0, 1e10], [0, 324], [324, 961], [961, 1e10]]


def test_livecell_preset_is_its_official_evaluation(tmp_path):
    classes = ['A172', 'BV2']
    ground_truth, samples = random_set(3, 60, classes)
    # A detection of the wrong type counts where types are not told apart.
    samples[0]['pred_instances']['labels'][:] = 0
    ann_file = write(tmp_path, ground_truth)
    metric = CellMetric(ann_file, metric=['bbox', 'segm'], preset='livecell')
    found = score(metric, samples, classes)
    assert metric.max_dets == 2000
    assert metric.proposal_nums == [100, 500, 2000]
    for iou_type in ('bbox', 'segm'):
        expected = pycocotools_scores(
            ann_file,
            samples,
            iou_type,
            2000,
            areas=LIVECELL_AREAS,
            use_cats=False,
        )
        assert expected[f'coco/{iou_type}_mAP_m'] > 0.05
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), name
        for item in ('AR@100', 'AR@500', 'AR@2000', 'AR_s'):
            assert f'coco/{iou_type}_{item}' in found
    assert metric.details.classes == ['all classes']


def test_size_bins_that_are_given_have_their_names_in_the_results(tmp_path):
    ground_truth, samples = random_set(3, 40, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    bins = {'tiny': (0, 60), 'middle': (60, 2000), 'huge': (2000, None)}
    metric = CellMetric(ann_file, metric='segm', size_bins=bins)
    found = score(metric, samples, ['cell'])
    expected = pycocotools_scores(
        ann_file,
        samples,
        'segm',
        100,
        areas=[[0, 1e10], [0, 60], [60, 2000], [2000, 1e10]],
    )
    for given, item in zip(bins, ('mAP_s', 'mAP_m', 'mAP_l')):
        value = expected[f'coco/segm_{item}']
        assert found[f'coco/segm_mAP_{given}'] == pytest.approx(value)
    sizes = metric.details.recall_by_size['segm']
    assert [size[:3] for size in sizes] == [
        ('tiny', 0, 60),
        ('middle', 60, 2000),
        ('huge', 2000, 1e10),
    ]


@pytest.mark.parametrize('by_file', [True, False])
def test_stratum_scores_as_its_images_alone(tmp_path, by_file):
    ground_truth, samples = random_set(4, 30, ['cell'])
    types = dict(zip(range(1, 5), ['A172', 'BV2', 'A172', None]))
    for image in ground_truth['images']:
        image['file_name'] = f'{image["id"]}.tif'
        image['cell_type'] = types[image['id']]
    named = {f'{i}.tif': name for i, name in types.items() if name}
    metric = CellMetric(
        write(tmp_path, ground_truth),
        strata=named if by_file else 'cell_type',
    )
    found = score(metric, samples, ['cell'])
    ground_truth['images'] = ground_truth['images'][:3:2]
    ground_truth['annotations'] = [
        ann for ann in ground_truth['annotations'] if ann['image_id'] in (1, 3)
    ]
    alone = CellMetric(write(tmp_path, ground_truth))
    expected = score(alone, samples[:3:2], ['cell'])
    assert found['coco/bbox_A172_mAP'] == expected['coco/bbox_mAP']
    assert found['coco/bbox_A172_mAP'] != found['coco/bbox_mAP']
    first, second = metric.details.by_stratum['bbox']
    assert (first['name'], second['name']) == ('A172', 'BV2')
    assert first['AR'] == expected['coco/bbox_AR']
    assert first['num_images'] == 2
    assert first['num_instances'] == expected['coco/num_instances']
    assert first['num_detections'] == expected['coco/num_detections']
    assert [row['stratum'] for row in metric.details.images] == [
        *types.values()
    ]


def test_a_few_images_at_a_time_score_as_all_at_once(tmp_path, monkeypatch):
    ground_truth, samples = random_set(5, 25, ['round', 'long'])
    # Equal scores: the order of the images then decides.
    for data in samples:
        data['pred_instances']['scores'] = (
            data['pred_instances']['scores'] * 4
        ).round() / 4
    ann_file = write(tmp_path, ground_truth)

    def run() -> dict:
        metric = CellMetric(ann_file, metric=['bbox', 'segm'])
        return score(metric, samples[::-1], ['round', 'long'])

    at_once = run()
    monkeypatch.setattr(image_matches, '_MOST_PAIRS', 1)
    assert run() == at_once
    expected = pycocotools_scores(ann_file, samples, 'segm', 100)
    for name, value in expected.items():
        assert at_once[name] == pytest.approx(value, abs=1e-9), name


def test_polygons_score_as_in_pycocotools(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    for ann in ground_truth['annotations']:
        x, y, width, height = ann['bbox']
        corners = [x, y, x + width, y + 0.3, x + width, y + height, x, y + 4.5]
        ann['segmentation'] = [corners]
    ann_file = write(tmp_path, ground_truth)
    metric = CellMetric(ann_file, metric='segm')
    found = score(metric, samples, ['cell'])
    expected = pycocotools_scores(ann_file, samples, 'segm', 100)
    assert expected['coco/segm_mAP'] > 0.05
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    kept = metric.details.ground_truth.dataset['annotations']
    assert all(isinstance(ann['segmentation'], dict) for ann in kept)


def test_annotation_id_0_is_an_instance_as_any(tmp_path):
    ground_truth, samples = random_set(1, 8, ['cell'])
    usual = score(CellMetric(write(tmp_path, ground_truth)), samples, ['cell'])
    for number, ann in enumerate(ground_truth['annotations']):
        ann['id'] = number
    from_0 = score(
        CellMetric(write(tmp_path, ground_truth)), samples, ['cell']
    )
    assert from_0 == usual


def test_cell_scores_are_those_of_cell_scores(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    ground_truth['annotations'][0]['iscrowd'] = 1
    metric = CellMetric(
        write(tmp_path, ground_truth),
        metric=['bbox', 'segm'],
        cell_scores={'score_thr': 0.3},
    )
    found = score(metric, samples, ['cell'])
    expected = CellScores(score_thr=0.3)
    figures = []
    for data in samples:
        truth = [
            ann['segmentation']
            for ann in ground_truth['annotations']
            if ann['image_id'] == data['img_id'] and not ann['iscrowd']
        ]
        pred = data['pred_instances']
        figures.append(
            expected.add(
                data['img_id'],
                data['ori_shape'],
                truth,
                pred['masks'],
                pred['scores'].numpy(),
            )
        )
    for name, value in expected.summary().items():
        assert found[f'coco/cells_{name}'] == value
    assert 0 < found['coco/cells_f1_50'] < 1
    for row, figure in zip(metric.details.images, figures):
        assert figure.items() <= row.items()


def test_cell_scores_need_masks_and_are_left_out_for_boxes(tmp_path):
    ground_truth, samples = random_set(1, 5, ['cell'])
    metric = CellMetric(write(tmp_path, ground_truth), cell_scores={})
    found = score(metric, samples, ['cell'])
    assert not [name for name in found if 'cells_' in name]


def test_details_hold_curves_and_tables(tmp_path):
    classes = ['round', 'long']
    ground_truth, samples = random_set(2, 30, classes)
    metric = CellMetric(write(tmp_path, ground_truth), metric='segm')
    assert metric.details is None
    found = score(metric, samples, classes)
    details = metric.details
    assert details.precision['segm'].shape == (10, 101)
    assert np.mean(details.ap_by_iou['segm']) == pytest.approx(
        found['coco/segm_mAP']
    )
    assert details.ap_by_iou['segm'][0] == found['coco/segm_mAP_50']
    by_class = details.by_class['segm']
    assert [row['name'] for row in by_class] == classes
    assert sum(row['num_instances'] for row in by_class) == 60
    assert np.mean([row['AR'] for row in by_class]) == pytest.approx(
        found['coco/segm_AR']
    )
    assert details.cap_effect == {}
    assert details.by_stratum == {'segm': []}
    masks = details.predictions[0]['masks']
    assert mask_utils.area(masks).min() > 0


def test_cap_says_what_ap_would_be_without_it(tmp_path):
    ground_truth, samples = random_set(2, 30, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    all_of_them = score(CellMetric(ann_file), samples, ['cell'])
    metric = CellMetric(ann_file, max_dets=10)
    found = score(metric, samples, ['cell'])
    effect = metric.details.cap_effect['bbox']
    assert effect['mAP'] == found['coco/bbox_mAP']
    assert effect['mAP_all_given'] == all_of_them['coco/bbox_mAP']
    assert effect['mAP_low'] == effect['mAP_high'] == effect['mAP_all_given']
    assert effect['mAP'] < effect['mAP_all_given']


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('limit', [8, 15])
def test_ap_of_what_a_detector_cut_lies_between_the_bounds(
    tmp_path, seed, limit
):
    classes = ['round', 'long']
    ground_truth, samples = random_set(3, 30, classes, seed)
    ground_truth['annotations'][0]['iscrowd'] = 1
    ann_file = write(tmp_path, ground_truth)
    whole = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), samples, classes
    )
    for data in samples:
        pred = data['pred_instances']
        best = pred['scores'].argsort(descending=True)[:limit]
        pred['masks'] = [pred['masks'][i] for i in best]
        for name in ('scores', 'labels', 'bboxes'):
            pred[name] = pred[name][best]
    metric = CellMetric(
        ann_file, metric=['bbox', 'segm'], detector_limit=limit
    )
    found = score(metric, samples, classes)
    for name in ('bbox', 'segm'):
        effect = metric.details.cap_effect[name]
        low, high = effect['mAP_low'], effect['mAP_high']
        assert low <= found[f'coco/{name}_mAP'] <= high
        assert low <= whole[f'coco/{name}_mAP'] <= high
        assert low < high < 1
        assert effect['num_images_at_detector_limit'] == 3


def test_written_detections_keep_their_classes_under_the_preset(tmp_path):
    ground_truth, samples = random_set(1, 20, ['A172', 'BV2'])
    metric = CellMetric(
        write(tmp_path, ground_truth),
        preset='livecell',
        outfile_prefix=str(tmp_path / 'out'),
    )
    score(metric, samples, ['A172', 'BV2'])
    written = json.loads((tmp_path / 'out.bbox.json').read_text())
    assert {result['category_id'] for result in written} == {1, 2}
