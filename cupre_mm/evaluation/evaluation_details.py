"""What an evaluation found beyond its scores, for reports and plots."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from faster_coco_eval import COCO

from .coco_evaluation import MetricResult


@dataclass
class EvaluationDetails:
    """What ``CellMetric`` keeps of its last evaluation, on rank 0.

    Values are from 0 to 1, and -1 where no instance defines them. ``metric``
    stands for ``'bbox'`` or ``'segm'``.

    Args:
        source (str): The annotation file.
        ground_truth (COCO): The ground truth; masks are run-length codes.
        category_ids (list[int]): The file's categories that were scored.
        predictions (list[dict]): Predictions of each image: ``img_id``,
            ``bboxes`` (N, 4) as x1, y1, x2, y2, ``scores`` (N,), ``labels``
            (N,) and, where masks were predicted, ``masks``, N run-length
            codes. The labels index ``classes``.
        classes (list[str]): Name of each label that was scored; one name
            where the evaluation was class-agnostic.
        max_dets (int): Detections of a class in an image that counted.
        iou_thrs (np.ndarray): IoU thresholds, (T,).
        recall_thrs (np.ndarray): Recalls that precision is read at, (101,).
        precision (dict[str, np.ndarray]): For each metric the mean over the
            classes at ``max_dets``, (T, 101).
        ap_by_iou (dict[str, np.ndarray]): AP at each threshold, (T,).
        recall_by_size (dict[str, list[tuple]]): For each metric a tuple
            ``(name, from_px, to_px, AR)`` a size bin; areas in px.
        by_class (dict[str, list[dict]]): For each metric a row a class:
            ``name``, ``num_images`` that hold it, ``num_instances``,
            ``num_detections``, ``mAP``, ``mAP_50``, ``mAP_75``, the AP of
            each size bin and ``AR``.
        by_stratum (dict[str, list[dict]]): The same for each stratum, such
            as a cell type; empty where images have none.
        cap_effect (dict[str, dict]): For each metric what the limits on
            detections did to AP, see :func:`.cap_effect.cap_effect`; a
            metric that they did not touch is absent.
        images (list[dict]): A row an image: ``img_id``, ``file_name``,
            ``width``, ``height``, ``stratum`` (or None) and, where
            ``cell_scores`` is on, what ``CellScores.add`` gave.
    """

    source: str
    ground_truth: COCO
    category_ids: list[int]
    predictions: list[dict[str, Any]]
    classes: list[str]
    max_dets: int
    iou_thrs: np.ndarray
    recall_thrs: np.ndarray
    precision: dict[str, np.ndarray] = field(default_factory=dict)
    ap_by_iou: dict[str, np.ndarray] = field(default_factory=dict)
    recall_by_size: dict[str, list[tuple[str, float, float, float]]] = field(
        default_factory=dict
    )
    by_class: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    by_stratum: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cap_effect: dict[str, dict[str, float]] = field(default_factory=dict)
    images: list[dict[str, Any]] = field(default_factory=list)

    def add(self, metric: str, result: MetricResult) -> None:
        """Take in what one metric found.

        Args:
            metric (str): ``'bbox'`` or ``'segm'``.
            result (MetricResult): Its result.
        """
        self.precision[metric] = result.precision
        self.ap_by_iou[metric] = result.ap_by_iou
        self.recall_by_size[metric] = result.recall_by_size
        self.by_class[metric] = result.by_class
        self.by_stratum[metric] = result.by_stratum
        if result.cap_effect is not None:
            self.cap_effect[metric] = result.cap_effect
