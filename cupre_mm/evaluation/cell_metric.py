"""COCO average precision for images that hold thousands of objects."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mmdet.evaluation.metrics import CocoMetric
from mmengine.logging import MMLogger

from cupre_mm.registry import METRICS

from .cap_effect import CapCounts, count_capped
from .cell_scores import build_cell_scores
from .class_matching import match_classes
from .coco_annotations import count_instances, index_samples, load_annotations
from .coco_evaluation import evaluate_metric
from .coco_predictions import (
    check_finite,
    check_predictions,
    drop_labels_from,
    drop_repeats,
    one_for_each_image,
)
from .evaluation_details import EvaluationDetails
from .image_matches import RECALL_THRS
from .image_rows import add_cell_scores, image_rows
from .kept_samples import keep_sample
from .metric_settings import resolve_settings, resolve_thresholds
from .score_tables import report_scores
from .strata import assign_strata

_ONE_CLASS = 'all classes'


@METRICS.register_module()
class CellMetric(CocoMetric):
    """COCO AP and AR with a cap that dense microscopy images do not reach.

    Takes the place of mmdet's ``CocoMetric`` in a config. ``pycocotools``
    reads its headline AP at 100 detections whatever cap is set, so that an
    image of 1,000 cells can score 0.1 at most. Here AP, AP50, AP75, AP by
    size and AR are all read at ``max_dets``. Up to 100 objects an image the
    values are those of ``pycocotools``; they are not rounded.
    ``faster_coco_eval`` matches a few images at a time, so that only theirs
    are objects in memory; masks are kept as run-length codes.

    The results hold, for each of ``bbox`` and ``segm`` asked for,
    ``{metric}_mAP``, ``_mAP_50``, ``_mAP_75``, ``_mAP_s``, ``_mAP_m``,
    ``_mAP_l`` (or the names of other ``size_bins``) and ``_AR``, from 0 to 1,
    or -1 where the ground truth has no instance (of that size); and these
    counts:

    - ``num_images``: images of the annotation file, all of them evaluated.
    - ``num_instances``: ground truth of the evaluated classes, not crowd.
    - ``num_detections``: detections that the model gave.
    - ``num_images_at_cap``: images with ``max_dets`` detections or more of
      one class, or with ``detector_limit`` or more in all.
    - ``num_detections_dropped``: detections beyond ``max_dets``, left out.

    Where a limit cut detections, a warning says between which values AP
    would lie without. ``details`` has what else the last evaluation found,
    see :class:`.EvaluationDetails`; it is None before, and on other ranks.

    Args:
        ann_file (str, optional): COCO annotation file. Without one, the
            ground truth comes from ``gt_instances`` of the data samples.
            Defaults to None.
        metric (str or Sequence[str]): ``'bbox'``, ``'segm'`` or both.
            Defaults to ``'bbox'``.
        max_dets (int, optional): Detections of one class in one image that
            count, the best-scored first. Defaults to None: 3000.
        proposal_nums (Sequence[int], optional): Further caps, none above
            ``max_dets``; ``metric_items`` can name the recall at each, as
            ``'AR@100'``. Defaults to None: 100 and 1000.
        metric_items (Sequence[str], optional): Which values the results
            hold; also ``'AR_s'`` and so on. Defaults to None: those above.
        size_bins (str or Mapping, optional): ``'coco'`` (32 and 96 px
            squared), ``'livecell'`` (18 and 31 px squared), or the least and
            the largest area in px by name, as ``{'tiny': (0, 50)}``.
            Defaults to None: ``'coco'``.
        class_agnostic (bool, optional): Whether all classes are scored as
            one. Defaults to None: False.
        preset (str, optional): ``'livecell'`` stands for LIVECell's official
            evaluation: class-agnostic, caps of 100, 500 and 2000, its size
            bins; the results hold the recall at each cap and size too.
            Defaults to None.
        strata (str or Mapping, optional): Groups of images to score apart: a
            key of the images of the annotation file, such as
            ``'cell_type'``, or the group by file name or image id. The
            results then hold ``{metric}_{group}_mAP``. Defaults to None.
        cell_scores (dict, optional): Arguments of :class:`.CellScores`; its
            summary is in the results as ``cells_...`` where masks are
            evaluated. Defaults to None: not computed.
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
        max_dets: int | None = None,
        proposal_nums: Sequence[int] | None = None,
        metric_items: Sequence[str] | None = None,
        size_bins: str | Mapping[str, Sequence[float]] | None = None,
        class_agnostic: bool | None = None,
        preset: str | None = None,
        strata: str | Mapping | None = None,
        cell_scores: Mapping[str, Any] | None = None,
        detector_limit: int | None = None,
        **kwargs: Any,
    ) -> None:
        settings = resolve_settings(
            metric,
            preset,
            max_dets,
            proposal_nums,
            size_bins,
            class_agnostic,
            metric_items,
        )
        super().__init__(
            metric=settings.metrics,
            proposal_nums=settings.caps,
            metric_items=metric_items,
            **kwargs,
        )
        self.settings = settings
        self.iou_thrs = resolve_thresholds(self.iou_thrs)
        self.max_dets = settings.max_dets
        self.detector_limit = detector_limit
        self.ann_file = ann_file
        self.strata = strata
        self.cell_scores = cell_scores
        if cell_scores is not None:
            build_cell_scores(cell_scores)
        self.details: EvaluationDetails | None = None
        self._num_expected: int | None = None
        self._strata: dict[int, str] = {}
        if ann_file is not None:
            self._coco_api = load_annotations(
                ann_file, self.backend_args, self._with_masks
            )
            self._assign_strata()

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
            self._match_classes()

    @property
    def _classes(self) -> list[str]:
        classes = self.dataset_meta['classes']
        return [classes] if isinstance(classes, str) else list(classes)

    @property
    def _with_masks(self) -> bool:
        return 'segm' in self.metrics

    @property
    def _source(self) -> str:
        return self.ann_file or 'the ground truth of the data samples'

    def _match_classes(self) -> None:
        self.cat_ids = match_classes(
            self._classes, self._coco_api.dataset['categories'], self._source
        )

    def _assign_strata(self) -> None:
        if self.strata is not None:
            self._strata = assign_strata(
                self.strata, self._coco_api.dataset['images'], self._source
            )

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of one batch, masks as run-length codes.

        Args:
            data_batch (dict): The batch; not used.
            data_samples (Sequence[dict]): Data samples with their
                ``pred_instances``: ``bboxes`` (N, 4) as x1, y1, x2, y2 in
                pixels, ``scores`` (N,), ``labels`` (N,) and, for ``segm``,
                ``masks``, either (N, H, W) or N run-length codes.

        Raises:
            BadConfigError: If ground truth is to come from the data samples
                and one has none.
            BadDataError: If a score or a box is not finite.
        """
        kept = [
            keep_sample(sample, self._coco_api is None)
            for sample in data_samples
        ]
        check_finite([prediction for _, prediction in kept])
        self.results += kept

    def evaluate(self, size: int) -> dict[str, float]:
        """Score what all processes kept.

        Args:
            size (int): Images of the data set. Samplers repeat some, so that
                all processes get as many; only so many repeats are dropped.

        Returns:
            dict[str, float]: The values that the class lists, with the
            metric's prefix.
        """
        self._num_expected = size
        # All of them: mmengine would cut those at the end, which are the
        # repeats of its own sampler, but not of every one.
        return super().evaluate(sys.maxsize)

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
        self.details = None
        expected, self._num_expected = self._num_expected, None
        padded = 0 if expected is None else max(len(results) - expected, 0)
        if self._coco_api is None:
            gts = {gt['img_id']: gt for gt, _ in results}
            self._coco_api = index_samples(
                gts.values(), self._classes, self._source, self._with_masks
            )
            self._match_classes()
            self._assign_strata()
        preds = drop_repeats([pred for _, pred in results], padded)
        check_predictions(
            preds,
            self._coco_api,
            num_classes=len(self._classes),
            with_masks=self._with_masks,
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
        preds = one_for_each_image(preds, self._coco_api, self._with_masks)
        scores = self._score(preds)
        scores['num_detections'] += unmatched
        return scores

    def _score(self, preds: list[dict]) -> dict[str, float]:
        cats = self._coco_api.cats
        classes = [cats[cat_id]['name'] for cat_id in self.cat_ids]
        label_of = {cat_id: i for i, cat_id in enumerate(self.cat_ids)}
        if self.settings.class_agnostic:
            classes = [_ONE_CLASS] if len(classes) > 1 else classes
            label_of = dict.fromkeys(label_of, 0)
            preds = [{**p, 'labels': 0 * p['labels']} for p in preds]
        capped = count_capped(preds, self.max_dets, self.detector_limit)
        self.details = EvaluationDetails(
            source=self._source,
            ground_truth=self._coco_api,
            category_ids=list(self.cat_ids),
            predictions=preds,
            classes=classes,
            max_dets=self.max_dets,
            iou_thrs=self.iou_thrs,
            recall_thrs=RECALL_THRS,
            images=image_rows(self._coco_api, preds, self._strata),
        )
        scores: dict[str, float] = {}
        for metric in self.metrics:
            result = evaluate_metric(
                metric,
                self._coco_api,
                preds,
                label_of,
                classes,
                self.settings,
                self.iou_thrs,
                capped,
                self._strata,
            )
            self.details.add(metric, result)
            limit = self.detector_limit
            scores |= report_scores(
                metric, result, self.settings, self.classwise, limit
            )
        if self.cell_scores is not None and self._with_masks:
            rows = self.details.images
            scores |= add_cell_scores(
                rows, self._coco_api, preds, label_of, self.cell_scores
            )
        scores.update(self._count(preds, capped))
        return scores

    def _count(self, preds: list[dict], capped: CapCounts) -> dict[str, int]:
        """Count images, instances and detections, and those at the cap."""
        instances = count_instances(self._coco_api, self.cat_ids)
        if instances == 0:
            _log().warning(f'no instance in {self._source}: AP and AR are -1')
        return {
            'num_images': len(self._coco_api.imgs),
            'num_instances': instances,
            'num_detections': sum(len(pred['labels']) for pred in preds),
            'num_images_at_cap': capped.num_images,
            'num_detections_dropped': capped.num_dropped,
        }


def _log() -> MMLogger:
    return MMLogger.get_current_instance()
