"""CellMetric against pycocotools, and the values it defines."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from pycocotools import mask as mask_utils

from cupre_mm.evaluation import CellMetric
from cupre_mm.registry import METRICS
from tests.random_detections import (
    ITEMS,
    annotation,
    coco_dict,
    disc,
    encode,
    pycocotools_scores,
    random_set,
    sample,
    score,
    write,
)


@pytest.mark.parametrize('classes', [['cell'], ['round', 'long', 'other']])
def test_equals_pycocotools_up_to_100_objects(tmp_path, classes):
    ground_truth, samples = random_set(4, 60, classes)
    ground_truth['annotations'][0]['iscrowd'] = 1
    ann_file = write(tmp_path, ground_truth)
    found = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), samples, classes
    )
    for iou_type in ('bbox', 'segm'):
        expected = pycocotools_scores(ann_file, samples, iou_type, 100)
        assert 0.05 < expected[f'coco/{iou_type}_mAP'] < 0.95
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), name
    assert found['coco/num_instances'] == 4 * 60 - 1


def test_dense_image_is_scored_at_the_cap_and_not_at_100(tmp_path):
    side, step = 640, 20
    rles = [
        encode(disc(side, side, x, y, 7))
        for y in range(10, side, step)
        for x in range(10, side, step)
    ][:1000]
    shifted = [
        encode(disc(side, side, x + 2, y, 7))
        for y in range(10, side, step)
        for x in range(10, side, step)
    ][:1000]
    ground_truth = coco_dict(
        [{'id': 1, 'height': side, 'width': side}],
        [annotation(i, 1, 1, rle) for i, rle in enumerate(rles, 1)],
        ['cell'],
    )
    ann_file = write(tmp_path, ground_truth)
    scores = np.random.default_rng(0).random(1000)
    samples = [sample(1, (side, side), shifted, scores, [0] * 1000)]
    found = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), samples, ['cell']
    )
    at_100 = pycocotools_scores(ann_file, samples, 'bbox', 100, sizes=False)
    for iou_type in ('bbox', 'segm'):
        expected = pycocotools_scores(
            ann_file, samples, iou_type, 3000, sizes=False
        )
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), name
    assert found['coco/bbox_mAP'] > 3 * at_100['coco/bbox_mAP']
    assert found['coco/num_detections'] == 1000
    assert found['coco/num_images_at_cap'] == 0


def real_masks(archive: Path, num_images: int) -> list[list[np.ndarray]]:
    """Masks of the first images of the zipped BBBC038 training set."""
    masks: dict[str, list[np.ndarray]] = {}
    with zipfile.ZipFile(archive) as stored:
        for name in sorted(stored.namelist()):
            folder, _, file = name.rpartition('/masks/')
            if not folder or not file.endswith('.png'):
                continue
            if folder not in masks and len(masks) == num_images:
                break
            pixels = np.frombuffer(stored.read(name), np.uint8)
            mask = cv2.imdecode(pixels, cv2.IMREAD_GRAYSCALE)
            masks.setdefault(folder, []).append((mask > 0).astype(np.uint8))
    return list(masks.values())


def test_equals_pycocotools_on_real_cells(shared_data, tmp_path):
    archive = shared_data / 'bbbc038_stage1_train.zip'
    if not archive.is_file():
        pytest.skip(f'no real cells: {archive.name} is not in ../shared/data')
    images, annotations, samples = [], [], []
    rng = np.random.default_rng(0)
    for image_id, masks in enumerate(real_masks(archive, 5), 1):
        masks = masks[:80]
        height, width = masks[0].shape
        images.append({'id': image_id, 'height': height, 'width': width})
        moved = []
        for mask in masks:
            annotations.append(
                annotation(len(annotations) + 1, image_id, 1, encode(mask))
            )
            moved.append(
                encode(np.roll(mask, rng.integers(-2, 3, size=2), axis=(0, 1)))
            )
        for x, y in rng.uniform(0, (width, height), size=(20, 2)):
            moved.append(encode(disc(height, width, x, y, 12)))
        scores = rng.random(len(moved))
        labels = [0] * len(moved)
        samples.append(
            sample(image_id, (height, width), moved, scores, labels)
        )
    ann_file = write(tmp_path, coco_dict(images, annotations, ['nucleus']))
    found = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), samples, ['nucleus']
    )
    for iou_type in ('bbox', 'segm'):
        expected = pycocotools_scores(ann_file, samples, iou_type, 100)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), name


def test_is_registered_and_keys_and_their_order_serve_best_checkpoints(
    tmp_path,
):
    ground_truth, samples = random_set(1, 5, ['cell'])
    metric = METRICS.build(
        {
            'type': 'cupre_mm.CellMetric',
            'ann_file': write(tmp_path, ground_truth),
            'metric': ['bbox', 'segm'],
        }
    )
    found = score(metric, samples, ('cell',))
    assert list(found) == [
        *(f'coco/bbox_{item}' for item in ITEMS),
        *(f'coco/segm_{item}' for item in ITEMS),
        'coco/num_images',
        'coco/num_instances',
        'coco/num_detections',
        'coco/num_images_at_cap',
        'coco/num_detections_dropped',
    ]


def test_cap_is_counted_and_lowers_recall(tmp_path):
    ground_truth, samples = random_set(2, 30, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    given = [len(s['pred_instances']['labels']) for s in samples]
    found = score(
        CellMetric(ann_file, max_dets=10, detector_limit=min(given)),
        samples,
        ['cell'],
    )
    assert found['coco/num_images_at_cap'] == 2
    assert found['coco/num_detections_dropped'] == sum(given) - 20
    expected = pycocotools_scores(ann_file, samples, 'bbox', 10)
    assert found['coco/bbox_AR'] == pytest.approx(expected['coco/bbox_AR'])


def test_model_limit_alone_marks_an_image_as_at_the_cap(tmp_path):
    ground_truth, samples = random_set(1, 10, ['cell'])
    limit = len(samples[0]['pred_instances']['labels'])
    metric = CellMetric(write(tmp_path, ground_truth), detector_limit=limit)
    found = score(metric, samples, ['cell'])
    assert found['coco/num_images_at_cap'] == 1
    assert found['coco/num_detections_dropped'] == 0


def test_no_detection_at_all_scores_zero(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    empty = [sample(s['img_id'], s['ori_shape'], [], [], []) for s in samples]
    ann_file = write(tmp_path, ground_truth)
    found = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), empty, ['cell']
    )
    assert {found[f'coco/segm_{item}'] for item in ITEMS} == {0.0}
    assert {found[f'coco/bbox_{item}'] for item in ITEMS} == {0.0}
    assert found['coco/num_detections'] == 0


def test_no_ground_truth_scores_minus_one(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    ground_truth['annotations'] = []
    ann_file = write(tmp_path, ground_truth)
    found = score(
        CellMetric(ann_file, metric=['bbox', 'segm']), samples, ['cell']
    )
    assert {found[f'coco/segm_{item}'] for item in ITEMS} == {-1.0}
    assert found['coco/num_instances'] == 0


def test_image_without_prediction_counts_as_missed(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    one = score(CellMetric(ann_file), samples[:1], ['cell'])
    both = score(CellMetric(ann_file), samples, ['cell'])
    assert one['coco/num_images'] == 2
    assert one['coco/bbox_AR'] < both['coco/bbox_AR']


def test_masks_as_arrays_score_as_their_run_length_codes(tmp_path):
    ground_truth, samples = random_set(1, 20, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    as_rle = score(CellMetric(ann_file, metric='segm'), samples, ['cell'])
    pred = samples[0]['pred_instances']
    pred['masks'] = torch.tensor(
        np.stack([mask_utils.decode(rle) for rle in pred['masks']])
    ).bool()
    as_array = score(CellMetric(ann_file, metric='segm'), samples, ['cell'])
    assert as_array == as_rle


def test_ground_truth_from_data_samples_scores_as_from_the_file(tmp_path):
    ground_truth, samples = random_set(2, 20, ['cell'])
    # Boxes of data samples are float32, so only masks compare exactly.
    from_file = score(
        CellMetric(write(tmp_path, ground_truth), metric='segm'),
        samples,
        ['cell'],
    )
    for data in samples:
        anns = [
            ann
            for ann in ground_truth['annotations']
            if ann['image_id'] == data['img_id']
        ]
        boxes = np.array([ann['bbox'] for ann in anns])
        boxes[:, 2:] += boxes[:, :2]
        masks = [mask_utils.decode(ann['segmentation']) for ann in anns]
        data['gt_instances'] = {
            'bboxes': torch.tensor(boxes),
            'labels': torch.zeros(len(anns), dtype=torch.long),
            'masks': BitmapMasks(masks, *data['ori_shape']),
        }
    found = score(CellMetric(metric='segm'), samples, ['cell'])
    assert found == pytest.approx(from_file, abs=1e-9)


def test_class_wise_values_average_to_the_whole(tmp_path):
    classes = ['round', 'long']
    ground_truth, samples = random_set(2, 30, classes)
    metric = CellMetric(write(tmp_path, ground_truth), classwise=True)
    found = score(metric, samples, classes)
    by_class = [found[f'coco/bbox_{name}_precision'] for name in classes]
    assert found['coco/bbox_mAP'] == pytest.approx(np.mean(by_class))


def test_recall_at_a_smaller_cap_is_given_when_asked_for(tmp_path):
    ground_truth, samples = random_set(2, 30, ['cell'])
    ann_file = write(tmp_path, ground_truth)
    metric = CellMetric(
        ann_file, proposal_nums=(5, 100), metric_items=['mAP', 'AR@5']
    )
    found = score(metric, samples, ['cell'])
    expected = pycocotools_scores(ann_file, samples, 'bbox', 5)
    assert found['coco/bbox_AR@5'] == pytest.approx(expected['coco/bbox_AR'])
    assert 'coco/bbox_AR' not in found


def test_format_only_writes_the_detections(tmp_path):
    ground_truth, samples = random_set(2, 10, ['cell'])
    metric = CellMetric(
        write(tmp_path, ground_truth),
        metric='segm',
        format_only=True,
        outfile_prefix=str(tmp_path / 'out'),
    )
    assert score(metric, samples, ['cell']) == {}
    written = json.loads((tmp_path / 'out.segm.json').read_text())
    given = sum(len(s['pred_instances']['labels']) for s in samples)
    assert len(written) == given
