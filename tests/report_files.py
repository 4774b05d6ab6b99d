"""Writes report.json files as tools/test.py does, for tests."""

import json
from pathlib import Path

from cupre_mm.evaluation.report import APReport

METRICS = {
    'coco/bbox_AR': 0.5,
    'coco/bbox_mAP': 0.4,
    'coco/bbox_mAP_50': 0.7,
    'coco/bbox_mAP_75': 0.3,
    'coco/bbox_mAP_l': -1.0,
    'coco/segm_mAP': 0.25,
    'coco/cells_mean_accuracy': 0.35,
    'coco/cells_mean_accuracy_pooled': 0.33,
    'coco/cells_count_error': -1.0,
    'coco/cells_score_thr': 0.5,
    'coco/num_images': 4,
    'coco/num_instances': 40,
}


def image_rows(accuracies, file_names=None) -> list[dict]:
    file_names = file_names or [f'{i}.png' for i in range(len(accuracies))]
    return [
        {
            'img_id': i,
            'file_name': name,
            'cells': 10,
            'mean_accuracy': accuracy,
            'f1_50': accuracy,
            'count_error': i - 2,
        }
        for i, (name, accuracy) in enumerate(zip(file_names, accuracies))
    ]


def write_report(
    folder: Path, accuracies=(0.1, 0.2, 0.3, 0.4), truth='truth', **changes
) -> Path:
    """Write folder/report.json; ``changes`` replace what it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    ann_file = folder.parent / f'{truth}.json'
    ann_file.write_text(truth)
    checkpoint = folder / 'model.pth'
    checkpoint.write_text(folder.name)
    report = APReport.from_metrics(
        METRICS | changes.pop('metrics', {}),
        config='config.py',
        checkpoint=str(checkpoint),
        checkpoint_file=str(checkpoint),
        ann_files=[str(ann_file)],
    )
    content = json.loads(report.to_json())
    content['images'] = image_rows(accuracies)
    path = folder / 'report.json'
    path.write_text(json.dumps(content | changes))
    return path
