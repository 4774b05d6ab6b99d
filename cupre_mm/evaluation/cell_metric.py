"""COCO average precision for images that hold thousands of objects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import COCOeval_faster
from mmdet.evaluation.metrics.faster_coco_metric import FasterCocoMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from cupre_mm.registry import METRICS
from cupre_mm.utils.errors import BadConfigError

from .coco_annotations import (
    check_annotations,
    count_instances,
    index_samples,
    load_annotations,
    shorten,
)
from .coco_predictions import (
    check_finite,
    check_predictions,
    count_capped,
    drop_labels_from,
    to_coco_results,
)

_AP_ITEMS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
_AREA_INDEX = {'mAP_s': 1, 'mAP_m': 2, 'mAP_l': 3}
_IOU_OF = {'mAP_50': 0.5, 'mAP_75': 0.75}


@METRICS.register_module()
class CellMetric(FasterCocoMetric):
    """COCO AP and AR with a cap that dense microscopy images do not reach.

    Takes the place of mmdet's ``CocoMetric`` in a config. ``pycocotools``
    reads its headline AP at 100 detections whatever cap is set, so that an
    image of 1,000 cells can score 0.1 at most. Here AP, AP50, AP75, AP by
    size and AR are all read at ``max_dets``. Up to 100 objects an image the
    values are those of ``pycocotools``; they are not rounded.

    The results hold, for each of ``bbox`` and ``segm`` asked for,
    ``{metric}_mAP``, ``_mAP_50``, ``_mAP_75``, ``_mAP_s``, ``_mAP_m``,
    ``_mAP_l`` and ``_AR``, from 0 to 1, or -1 where the ground truth has no
    instance (of that size); and these counts:

    - ``num_images``: images of the annotation file, all of them evaluated.
    - ``num_instances``: ground truth of the evaluated classes, not crowd.
    - ``num_detections``: detections that the model gave.
    - ``num_images_at_cap``: images with ``max_dets`` detections or more of
      one class, or with ``detector_limit`` or more in all.
    - ``num_detections_dropped``: detections beyond ``max_dets``, left out.

    Args:
        ann_file (str, optional): COCO annotation file. Without one, the
            ground truth comes from ``gt_instances`` of the data samples, as
            in mmdet's ``FasterCocoMetric``. Defaults to None.
        metric (str or Sequence[str]): ``'bbox'``, ``'segm'`` or both.
            Defaults to ``'bbox'``.
        max_dets (int): Detections of one class in one image that count, the
            best-scored first. Defaults to 3000.
        proposal_nums (Sequence[int], optional): Further caps, none above
            ``max_dets``; ``metric_items`` can name the recall at each, as
            ``'AR@100'``. Defaults to 100 and 1000.
        detector_limit (int, optional): Most detections that the model gives
            for an image (``max_per_img``), for ``num_images_at_cap``.
            The tools set it from the model. Defaults to None.
        **kwargs: The other arguments of mmdet's ``CocoMetric``.

    Raises:
        BadConfigError: If an argument cannot be used, or no class name of
            the data set is among the categories of ``ann_file``.
        MissingDataError: If ``ann_file`` does not exist.
        BadDataError: If ``ann_file`` is not a COCO annotation file, or the
            predictions do not belong to it.
    """

    def __init__(
        self,
        ann_file: str | None = None,
        metric: str | Sequence[str] = 'bbox',
        max_dets: int = 3000,
        proposal_nums: Sequence[int] | None = None,
        detector_limit: int | None = None,
        **kwargs: Any,
    ) -> None:
        metrics = [metric] if isinstance(metric, str) else list(metric)
        unknown = [name for name in metrics if name not in ('bbox', 'segm')]
        if unknown or not metrics:
            raise BadConfigError(
                f"CellMetric's metric is 'bbox', 'segm' or both, not "
                f'{metric!r}; use mmdet.CocoMetric for proposals'
            )
        if max_dets < 1:
            raise BadConfigError(f'max_dets must be positive, got {max_dets}')
        if proposal_nums is None:
            proposal_nums = [cap for cap in (100, 1000) if cap < max_dets]
        if any(not 0 < cap <= max_dets for cap in proposal_nums):
            raise BadConfigError(
                f'proposal_nums must lie between 1 and max_dets={max_dets}, '
                f'got {tuple(proposal_nums)}'
            )
        super().__init__(
            metric=metrics,
            proposal_nums=sorted({*proposal_nums, max_dets}),
            **kwargs,
        )
        self.iou_thrs = np.atleast_1d(np.asarray(self.iou_thrs, float))
        self.max_dets = max_dets
        self.detector_limit = detector_limit
        self.ann_file = ann_file
        known = [*_AP_ITEMS, 'AR', *(f'AR@{n}' for n in self.proposal_nums)]
        bad = [item for item in self.metric_items or () if item not in known]
        if bad:
            raise BadConfigError(
                f'metric_items {bad} are not known to CellMetric; it has '
                f'{known}'
            )
        if ann_file is not None:
            self._coco_api = load_annotations(ann_file, self.backend_args)
            self._check_ground_truth()

    @property
    def dataset_meta(self) -> dict | None:
        """The data set's meta information, with its ``classes``."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta
        # The loops set this before the first iteration: a mismatch shows
        # then, not after hours of training.
        if self._coco_api is not None:
            self.cat_ids = self._match_classes()

    @property
    def _classes(self) -> list[str]:
        classes = self.dataset_meta['classes']
        return [classes] if isinstance(classes, str) else list(classes)

    def _match_classes(self) -> list[int]:
        """Give the category id of each label.

        As in ``CocoDataset``, the file's categories that the data set knows
        are numbered in the file's order, without gaps.
        """
        categories = self._coco_api.dataset['categories']
        matched = [c['id'] for c in categories if c['name'] in self._classes]
        if not matched:
            names = [category['name'] for category in categories]
            raise BadConfigError(
                f"none of the data set's classes {shorten(self._classes)} is "
                f'among the categories {shorten(names)} of {self._source}; '
                "set metainfo=dict(classes=...) of the data set to the file's "
                'names'
            )
        return matched

    def _check_ground_truth(self) -> None:
        needed = ['area', 'bbox']
        needed += ['segmentation'] if 'segm' in self.metrics else []
        check_annotations(self._coco_api, needed, self._source)

    @property
    def _source(self) -> str:
        return self.ann_file or 'the ground truth of the data samples'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of one batch, masks as run-length codes.

        Args:
            data_batch (dict): The batch; not used.
            data_samples (Sequence[dict]): Data samples with their
                ``pred_instances``: ``bboxes`` (N, 4) as x1, y1, x2, y2 in
                pixels, ``scores`` (N,), ``labels`` (N,) and, for ``segm``,
                ``masks``, either (N, H, W) or N run-length codes.

        Raises:
            BadDataError: If a score or a box is not finite.
        """
        super().process(data_batch, data_samples)
        new = self.results[len(self.results) - len(data_samples) :]
        check_finite([pred for _, pred in new])

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score all predictions against the ground truth.

        Args:
            results (list): What :meth:`process` kept, of all ranks.

        Returns:
            dict[str, float]: The values that the class lists.

        Raises:
            BadConfigError: If ``segm`` is asked for and there are no masks.
            BadDataError: If a prediction does not belong to the ground
                truth.
        """
        preds = [pred for _, pred in results]
        if self._coco_api is None:
            self._coco_api = index_samples(
                [gt for gt, _ in results], self._classes
            )
            self._check_ground_truth()
            self.cat_ids = self._match_classes()
        check_predictions(
            preds,
            self._coco_api,
            num_classes=len(self._classes),
            with_masks='segm' in self.metrics,
            source=self._source,
        )
        missing = len(self._coco_api.imgs) - len(preds)
        if missing:
            _log().warning(
                f'{missing} of the {len(self._coco_api.imgs)} images of '
                f'{self._source} were not predicted; their instances count '
                'as missed'
            )
        preds, unmatched = drop_labels_from(len(self.cat_ids), preds)
        if unmatched:
            _log().warning(
                f'{unmatched} detections are of classes that {self._source} '
                'has no category for; they are not scored'
            )
        if self.outfile_prefix is not None and preds:
            self.results2json(preds, self.outfile_prefix)
        if self.format_only:
            return {}
        scores: dict[str, float] = {}
        for metric in self.metrics:
            scores.update(self._evaluate(metric, preds))
        scores.update(self._count(preds))
        scores['num_detections'] += unmatched
        return scores

    def _evaluate(self, metric: str, preds: list[dict]) -> dict[str, float]:
        detections = self._coco_api.loadRes(
            to_coco_results(preds, metric, self.cat_ids)
        )
        coco_eval = COCOeval_faster(self._coco_api, detections, metric)
        coco_eval.params.catIds = self.cat_ids
        coco_eval.params.imgIds = list(self._coco_api.imgs)
        coco_eval.params.maxDets = self.proposal_nums
        coco_eval.params.iouThrs = self.iou_thrs
        coco_eval.evaluate()
        coco_eval.accumulate()
        # (IoU, recall, class, size, cap) and (IoU, class, size, cap)
        precision = coco_eval.eval['precision']
        recall = coco_eval.eval['recall']
        values = self._ap_values(precision[..., -1])
        values['AR'] = _mean(recall[:, :, 0, -1])
        shown = self.metric_items or list(values)
        for i, cap in enumerate(self.proposal_nums):
            values[f'AR@{cap}'] = _mean(recall[:, :, 0, i])
        scores = {f'{metric}_{item}': values[item] for item in shown}
        _log().info(
            f'{metric}, at most {self.max_dets} detections of a class an '
            'image: '
            + ', '.join(f'{item} {values[item]:.4f}' for item in shown)
        )
        if self.classwise:
            scores.update(self._classwise(metric, precision[..., -1]))
        return scores

    def _ap_values(self, precision: np.ndarray) -> dict[str, float]:
        """Average precision of (IoU, recall, class, size)."""
        values = {}
        for item in _AP_ITEMS:
            kept = precision[..., _AREA_INDEX.get(item, 0)]
            if item in _IOU_OF:
                kept = kept[np.isclose(self.iou_thrs, _IOU_OF[item])]
            values[item] = _mean(kept)
        return values

    def _classwise(
        self, metric: str, precision: np.ndarray
    ) -> dict[str, float]:
        rows, scores = [['category', *_AP_ITEMS]], {}
        # COCOeval sorts the category ids.
        for i, cat_id in enumerate(sorted(self.cat_ids)):
            name = self._coco_api.cats[cat_id]['name']
            values = self._ap_values(precision[:, :, i : i + 1])
            rows.append([name, *(f'{v:.4f}' for v in values.values())])
            scores[f'{metric}_{name}_precision'] = values['mAP']
        _log().info(f'{metric} by class\n{AsciiTable(rows).table}')
        return scores

    def _count(self, preds: list[dict]) -> dict[str, int]:
        """Count images, instances and detections, and those at the cap."""
        at_cap, dropped = count_capped(
            preds, self.max_dets, self.detector_limit
        )
        if at_cap:
            limits = f'max_dets={self.max_dets} of a class'
            if self.detector_limit is not None:
                limits += f', {self.detector_limit} from the model in all'
            _log().warning(
                f'{at_cap} images have as many detections as the cap allows '
                f'({limits}); {dropped} detections were left out. AP may be '
                "too low: raise max_dets or the model's max_per_img"
            )
        instances = count_instances(self._coco_api, self.cat_ids)
        if instances == 0:
            _log().warning(f'no instance in {self._source}: AP and AR are -1')
        return {
            'num_images': len(self._coco_api.imgs),
            'num_instances': instances,
            'num_detections': sum(len(pred['labels']) for pred in preds),
            'num_images_at_cap': at_cap,
            'num_detections_dropped': dropped,
        }


def _mean(values: np.ndarray) -> float:
    """Mean of what is defined; COCO marks the rest by -1."""
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0


def _log() -> MMLogger:
    return MMLogger.get_current_instance()
