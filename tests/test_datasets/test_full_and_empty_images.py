"""Images with thousands of cells, and images with none."""

from pathlib import Path

import pytest
import torch
from mmdet.utils import register_all_modules

from cupre_mm.evaluation import CellMetric
from tests.coco_folder import (
    HEIGHT,
    WIDTH,
    build_dataset,
    cell,
    coco,
    polygon,
    write_folder,
)


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=True)


@pytest.mark.parametrize('cache', [True, False])
def test_image_with_3000_cells_has_them_all(tmp_path: Path, cache: bool):
    annotations = [
        cell(
            n + 1,
            bbox=[n % 60, n // 60 * 0.75, 1, 1],
            area=1.0,
            segmentation=[polygon(n % 60, n // 60 * 0.75, 1, 1)],
        )
        for n in range(3000)
    ]
    write_folder(tmp_path, coco(annotations))
    dataset = build_dataset(tmp_path, serialize_data=True, cache=cache)
    boxes = [each['bbox'] for each in dataset.get_data_info(0)['instances']]
    assert boxes == [
        [x, y, x + 1, y + 1] for x, y, _, _ in (a['bbox'] for a in annotations)
    ]
    sample = dataset[0]
    assert len(sample['gt_bboxes']) == 3000
    assert sample['gt_masks'].masks.shape == (3000, HEIGHT, WIDTH)


def _prediction(image_id: int, boxes: list, score: float) -> dict:
    masks = torch.zeros(len(boxes), HEIGHT, WIDTH, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes):
        mask[int(y1) : int(y2), int(x1) : int(x2)] = True
    return {
        'img_id': image_id,
        'ori_shape': (HEIGHT, WIDTH),
        'pred_instances': {
            'bboxes': torch.tensor(boxes).reshape(-1, 4).float(),
            'scores': torch.full((len(boxes),), score),
            'labels': torch.zeros(len(boxes), dtype=torch.long),
            'masks': masks,
        },
    }


@pytest.mark.parametrize('cache', [True, False])
def test_image_without_cells_is_kept_and_evaluated(
    tmp_path: Path, cache: bool
):
    write_folder(tmp_path, coco([cell(1)], ('a.tif', 'b.tif')))
    settings = dict(filter_cfg=dict(filter_empty_gt=True), cache=cache)
    assert len(build_dataset(tmp_path, **settings)) == 1
    dataset = build_dataset(tmp_path, test_mode=True, **settings)
    assert [dataset[i]['img_id'] for i in (0, 1)] == [1, 2]
    assert dataset[1]['gt_masks'].masks.shape == (0, HEIGHT, WIDTH)

    def score(on_empty: list[list[float]]) -> dict[str, float]:
        metric = CellMetric(
            ann_file=str(tmp_path / 'ann.json'), metric=['bbox', 'segm']
        )
        metric.dataset_meta = dataset.metainfo
        metric.process({}, [_prediction(1, [[5, 5, 11, 13]], 0.8)])
        metric.process({}, [_prediction(2, on_empty, 0.9)])
        return metric.evaluate(2)

    clean = score([])
    assert clean['coco/num_images'] == 2
    assert clean['coco/bbox_mAP'] == pytest.approx(1.0)
    wrong = score([[5, 5, 11, 13]])
    assert wrong['coco/num_detections'] == 2
    # A detection where there is nothing counts against the model.
    assert wrong['coco/bbox_mAP'] < 0.6
    assert wrong['coco/segm_mAP'] < 0.6
