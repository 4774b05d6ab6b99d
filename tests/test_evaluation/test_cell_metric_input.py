"""What CellMetric says of input that it cannot score."""

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from cupre_mm.evaluation import CellMetric
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
    UserError,
)
from tests.random_detections import (
    disc,
    encode,
    random_set,
    sample,
    score,
    write,
)


@pytest.mark.parametrize(
    ('change', 'error', 'parts'),
    [
        ({'img_id': 99}, BadDataError, ['99', 'ground_truth.json']),
        ({'img_id': 2}, BadDataError, ['[2]', 'more than once']),
    ],
)
def test_prediction_of_a_wrong_image_is_refused(
    tmp_path, change, error, parts
):
    ground_truth, samples = random_set(2, 10, ['cell'])
    samples[0].update(change)
    metric = CellMetric(write(tmp_path, ground_truth))
    with pytest.raises(error) as caught:
        score(metric, samples, ['cell'])
    assert all(part in str(caught.value) for part in parts)


def test_classes_that_match_nothing_are_refused_before_the_run(tmp_path):
    ground_truth, _ = random_set(1, 5, ['cell'])
    metric = CellMetric(write(tmp_path, ground_truth))
    with pytest.raises(BadConfigError) as caught:
        Evaluator(metric).dataset_meta = {'classes': ('nucleus',)}
    message = str(caught.value)
    assert "['nucleus']" in message
    assert "['cell']" in message
    assert 'ground_truth.json' in message


def test_class_without_category_leaves_the_others_as_they_are(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    metric = CellMetric(write(tmp_path, ground_truth))
    alone = score(metric, samples, ['cell'])
    pred = samples[0]['pred_instances']
    extra = {'bboxes': pred['bboxes'][:1], 'scores': torch.ones(1)}
    extra['labels'] = torch.ones(1, dtype=torch.long)
    for name, value in extra.items():
        pred[name] = torch.cat([pred[name], value])
    found = score(metric, samples, ['cell', 'never annotated'])
    assert found['coco/bbox_mAP'] == alone['coco/bbox_mAP']
    assert found['coco/num_detections'] == alone['coco/num_detections'] + 1


@pytest.mark.parametrize('name', ['scores', 'bboxes'])
def test_values_that_are_not_finite_are_refused(tmp_path, name):
    ground_truth, samples = random_set(1, 10, ['cell'])
    samples[0]['pred_instances'][name][0] = float('nan')
    metric = CellMetric(write(tmp_path, ground_truth))
    with pytest.raises(BadDataError, match=f'{name} predicted for image 1'):
        score(metric, samples, ['cell'])


def test_label_beyond_the_classes_is_refused(tmp_path):
    ground_truth, samples = random_set(1, 10, ['cell'])
    samples[0]['pred_instances']['labels'][0] = 7
    with pytest.raises(BadConfigError, match='label 7'):
        score(CellMetric(write(tmp_path, ground_truth)), samples, ['cell'])


def test_boxes_alone_do_not_do_for_masks(tmp_path):
    ground_truth, samples = random_set(1, 10, ['cell'])
    del samples[0]['pred_instances']['masks']
    metric = CellMetric(write(tmp_path, ground_truth), metric='segm')
    with pytest.raises(BadConfigError, match='needs masks'):
        score(metric, samples, ['cell'])


def test_mask_of_another_size_is_refused(tmp_path):
    ground_truth, samples = random_set(1, 10, ['cell'])
    samples[0]['pred_instances']['masks'][0] = encode(disc(20, 20, 9, 9, 5))
    metric = CellMetric(write(tmp_path, ground_truth), metric='segm')
    with pytest.raises(BadDataError, match=r'\[20, 20\].*\[200, 240\]'):
        score(metric, samples, ['cell'])


def test_missing_annotation_file_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r'none\.json'):
        CellMetric(str(tmp_path / 'none.json'))


@pytest.mark.parametrize('text', ['{', '[]', '{"images": []}'])
def test_file_that_is_no_coco_file_is_refused(tmp_path, text):
    path = tmp_path / 'bad.json'
    path.write_text(text)
    with pytest.raises(BadDataError, match=r'bad\.json'):
        CellMetric(str(path))


def test_annotation_without_mask_is_refused_for_segm_only(tmp_path):
    ground_truth, _ = random_set(1, 5, ['cell'])
    del ground_truth['annotations'][2]['segmentation']
    ann_file = write(tmp_path, ground_truth)
    assert CellMetric(ann_file).metrics == ['bbox']
    with pytest.raises(BadDataError, match=r'annotation 3 .*segmentation'):
        CellMetric(ann_file, metric='segm')


@pytest.mark.parametrize(
    'arguments',
    [
        {'metric': 'proposal'},
        {'metric': []},
        {'max_dets': 0},
        {'max_dets': 50, 'proposal_nums': (100,)},
        {'metric_items': ['mAP', 'AR@7']},
        {'preset': 'coco'},
        {'preset': 'livecell', 'max_dets': 3000},
        {'size_bins': 'tiny'},
        {'size_bins': {'tiny': 50}},
        {'size_bins': {'tiny': (50, 10)}},
        {'size_bins': {'50': (0, 10)}},
        {'cell_scores': {'score_thr': float('nan')}},
        {'cell_scores': {'score_thr': 'high'}},
        {'cell_scores': {'threshold': 0.5}},
        # What --cfg-options makes of {}.
        {'cell_scores': '{}'},
    ],
)
def test_unusable_arguments_are_refused(arguments):
    with pytest.raises(UserError):
        CellMetric(**arguments)


@pytest.mark.parametrize('metric', ['bbox', 'segm'])
def test_ground_truth_that_lacks_evaluated_images_is_refused(tmp_path, metric):
    ground_truth, samples = random_set(3, 10, ['cell'])
    ground_truth['images'] = ground_truth['images'][:1]
    ground_truth['annotations'] = ground_truth['annotations'][:10]
    built = CellMetric(write(tmp_path, ground_truth), metric=metric)
    with pytest.raises(BadDataError) as caught:
        score(built, samples, ['cell'])
    message = str(caught.value)
    assert '2 image ids' in message
    assert '[2, 3]' in message
    assert "must be the data set's" in message


def test_mask_scores_that_are_nan_are_refused(tmp_path):
    ground_truth, samples = random_set(1, 10, ['cell'])
    pred = samples[0]['pred_instances']
    pred['mask_scores'] = pred['scores'] * float('nan')
    metric = CellMetric(write(tmp_path, ground_truth), metric='segm')
    with pytest.raises(BadDataError, match='mask_scores predicted'):
        score(metric, samples, ['cell'])


@pytest.mark.parametrize(
    ('counts', 'text'), [('garbage!!', 'no run-length'), ('5:', 'fill')]
)
def test_mask_that_was_cut_off_is_refused(tmp_path, counts, text):
    ground_truth, samples = random_set(1, 10, ['cell'])
    samples[0]['pred_instances']['masks'][0]['counts'] = counts
    metric = CellMetric(write(tmp_path, ground_truth), metric='segm')
    with pytest.raises(BadDataError, match=text):
        score(metric, samples, ['cell'])


@pytest.mark.parametrize(
    ('segmentation', 'text'),
    [
        (encode(disc(20, 20, 9, 9, 5)), r'\[20, 20\].*\[200, 240\]'),
        ({'size': [200, 240], 'counts': '5:'}, 'do not fill'),
        ({'size': [200, 240], 'counts': 'garbage!!'}, 'neither'),
        ('no mask', 'neither'),
    ],
)
def test_ground_truth_mask_that_is_not_its_images_is_refused(
    tmp_path, segmentation, text
):
    ground_truth, _ = random_set(1, 5, ['cell'])
    ground_truth['annotations'][2]['segmentation'] = segmentation
    ann_file = write(tmp_path, ground_truth)
    with pytest.raises(BadDataError, match=f'annotation 3 .*{text}'):
        CellMetric(ann_file, metric='segm')


def test_image_without_size_is_refused_for_masks_only(tmp_path):
    ground_truth, _ = random_set(1, 5, ['cell'])
    del ground_truth['images'][0]['height']
    ann_file = write(tmp_path, ground_truth)
    assert CellMetric(ann_file).metrics == ['bbox']
    with pytest.raises(BadDataError, match=r'image 1 .*height'):
        CellMetric(ann_file, metric='segm')


def test_empty_evaluation_of_an_empty_file_is_minus_one(tmp_path):
    empty = {'images': [], 'annotations': [], 'categories': []}
    empty['categories'] = [{'id': 1, 'name': 'cell'}]
    metric = CellMetric(
        write(tmp_path, empty), metric=['bbox', 'segm'], cell_scores={}
    )
    found = score(metric, [], ['cell'])
    assert found['coco/segm_mAP'] == found['coco/bbox_AR'] == -1
    assert found['coco/num_images'] == 0


def test_some_empty_predictions_only_miss_their_instances(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    absent = score(CellMetric(ann_file), samples[:1], ['cell'])
    empty = sample(2, samples[1]['ori_shape'], [], [], [])
    found = score(CellMetric(ann_file), [samples[0], empty], ['cell'])
    assert found == absent
    assert 0 < found['coco/bbox_mAP'] < 1


@pytest.mark.parametrize(
    ('classes', 'text'),
    [
        (['long', 'round'], "0 is 'round', 1 is 'long'"),
        (['long'], "'round'] of"),
    ],
)
def test_classes_in_another_order_and_unused_ones_are_told(
    tmp_path, classes, text, caplog
):
    ground_truth, samples = random_set(1, 10, ['round', 'long'])
    samples[0]['pred_instances']['labels'][:] = 0
    metric = CellMetric(write(tmp_path, ground_truth))
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        score(metric, samples, classes)
    finally:
        logger.removeHandler(caplog.handler)
    assert text in caplog.text


@pytest.mark.parametrize(
    ('strata', 'part'),
    [('cell_type', "'height'"), ({'a.tif': 'A172'}, "'a.tif'")],
)
def test_strata_that_no_image_has_are_refused(tmp_path, strata, part):
    ground_truth, _ = random_set(1, 5, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    with pytest.raises(BadConfigError, match='strata') as caught:
        CellMetric(ann_file, strata=strata)
    assert part in str(caught.value)
