"""Scores of the cell field, from instance masks."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from cupre_mm.utils.errors import BadConfigError, BadDataError

from .field_metrics import FieldCounts, Figure, count_errors, count_image
from .instance_matching import measure_overlaps
from .label_resolution import resolve_by_score, resolve_by_size

_UNDEFINED = -1.0


class CellScores:
    """What papers on cell segmentation report, from the same predictions.

    These scores are defined on label images, in which a pixel belongs to one
    instance at most. Detections of :attr:`score_thr` or more become one by
    :func:`.label_resolution.resolve_by_score`, the best-scored in front, and
    those of which less than ``min_visible`` is left are dropped. The ground
    truth becomes one by :func:`.label_resolution.resolve_by_size`, the
    smaller mask in front. Classes are not told apart, and crowd regions must
    be left out before. The formulas and their sources are those of
    :mod:`.field_metrics`.

    What is not defined is None in the figures of an image, which the means
    over the images then leave out, and -1 in the summary:

    ================  ========  ==============  ==================
    ..                neither   only predicted  only ground truth
    ================  ========  ==============  ==================
    accuracy, F1, PQ  1         0               0
    AJI               1         0               0
    SEG               None      None            0
    FNR               None      None            1
    relative error    None      None            1
    ================  ========  ==============  ==================

    Args:
        score_thr (float): Least score of a detection that counts. Defaults
            to 0.5.
        min_visible (float): Least share of a detection that better-scored
            ones must leave, from 0 to 1. Defaults to 0.5, as in the panoptic
            fusion of Mask R-CNN (Kirillov et al. 2019, detectron2).

    Raises:
        BadConfigError: If an argument is NaN, or ``min_visible`` no share.
    """

    def __init__(
        self, score_thr: float = 0.5, min_visible: float = 0.5
    ) -> None:
        for value in (score_thr, min_visible):
            if not isinstance(value, Real):
                raise TypeError(f'{value!r} is no number')
        if np.isnan(score_thr):
            raise BadConfigError('score_thr of the cell scores is NaN')
        if not 0 <= min_visible <= 1:
            raise BadConfigError(
                'min_visible of the cell scores is a share from 0 to 1, got '
                f'{min_visible}'
            )
        self.score_thr = score_thr
        self.min_visible = min_visible
        self._counts: list[FieldCounts] = []
        self._figures: list[dict[str, Figure]] = []

    def add(
        self,
        img_id: int | str,
        shape: tuple[int, int],
        truth: Sequence[dict],
        found: Sequence[dict],
        scores: np.ndarray,
    ) -> dict[str, Figure]:
        """Score one image.

        Args:
            img_id (int or str): Its id, for messages.
            shape (tuple[int, int]): Its height and width in pixels.
            truth (Sequence[dict]): Compressed COCO RLEs of the instances.
            found (Sequence[dict]): Those of the N detections.
            scores (np.ndarray): Scores of the detections, (N,).

        Returns:
            dict[str, float | int | None]: Its figures.

            - ``num_truth``, ``num_found``: Instances of the label images.
            - ``num_truth_hidden``: Ground truth without a pixel of its own,
              left out.
            - ``num_found_hidden``: Detections that others hide, left out.
            - ``tp``, ``fp``, ``fn``: Matches at IoU 0.5, detections and
              ground truth without one.
            - ``mean_accuracy``: TP / (TP + FP + FN), mean over the IoU
              thresholds 0.5, 0.55, ..., 0.95.
            - ``f1_50``, ``f1_75``: F1 at IoU 0.5 and 0.75.
            - ``pq``, ``sq``, ``rq``: Panoptic quality, and the quality of
              segmentation and of recognition that it is the product of.
            - ``aji``: Aggregated Jaccard index.
            - ``seg``: SEG of the Cell Tracking Challenge.
            - ``fnr``: False-negative ratio, mean over the same thresholds.
            - ``count_error``: ``num_found - num_truth``.
            - ``count_error_rel``: Its size as a share of ``num_truth``.

        Raises:
            BadDataError: If a mask has not the image's size or cannot be
                decoded, a score is NaN, or there is not one for each mask.
        """
        scores = np.asarray(scores, dtype=float)
        if scores.shape != (len(found),) or np.isnan(scores).any():
            raise BadDataError(
                f'{len(found)} masks of image {img_id} need as many scores '
                f'that are not NaN, got {scores.shape} with '
                f'{int(np.isnan(scores).sum())} NaN'
            )
        kept = np.flatnonzero(scores >= self.score_thr)
        found = [found[i] for i in kept]
        try:
            true_labels = resolve_by_size(truth, shape)
            found_labels = resolve_by_score(
                found, scores[kept], shape, self.min_visible
            )
        except BadDataError as error:
            raise BadDataError(f'image {img_id}: {error}') from error
        overlaps = measure_overlaps(true_labels.labels, found_labels.labels)
        counts = count_image(overlaps)
        figures = {
            'num_truth': counts.num_truth,
            'num_found': counts.num_found,
            'num_truth_hidden': len(truth) - counts.num_truth,
            'num_found_hidden': len(found) - counts.num_found,
            'tp': int(counts.tp[0]),
            'fp': counts.num_found - int(counts.tp[0]),
            'fn': counts.num_truth - int(counts.tp[0]),
            **counts.scores(),
            **count_errors(counts.num_truth, counts.num_found),
        }
        self._counts.append(counts)
        self._figures.append(figures)
        return figures

    def summary(self) -> dict[str, float]:
        """Score the whole set of images added so far.

        Returns:
            dict[str, float]: The values.

            - ``mean_accuracy``, ``f1_50``, ``f1_75``, ``pq``, ``sq``,
              ``rq``, ``aji``, ``seg``, ``fnr``: Mean over the images where
              it is defined. Papers with Cellpose and the Data Science Bowl
              report the accuracy so.
            - The same with ``_pooled``: From the matches, pixels and
              instances of all images together, as if they were one. The
              Cell Tracking Challenge reports SEG so, LIVECell the FNR,
              StarDist its accuracy and F1, Kirillov et al. PQ.
            - ``count_error``: Mean over the images, below 0 if too few are
              found; 0 of no image.
            - ``count_error_abs``: Mean size of the error.
            - ``count_error_rel``: Mean size of the error as a share of the
              instances, over the images that have any.
            - ``num_truth``, ``num_found``, ``num_truth_hidden``,
              ``num_found_hidden``, ``tp``, ``fp``, ``fn``: Sums.
            - ``num_images``: Images added.
            - ``score_thr``: The threshold on the score.
        """
        pooled = FieldCounts.total(self._counts)
        values: dict[str, float] = {}
        for name, value in pooled.scores().items():
            values[name] = self._mean(name)
            values[f'{name}_pooled'] = (
                _UNDEFINED if value is None or not self._counts else value
            )
        errors = [row['count_error'] for row in self._figures]
        values['count_error'] = _mean(errors, of_none=0.0)
        values['count_error_abs'] = _mean([abs(error) for error in errors])
        values['count_error_rel'] = self._mean('count_error_rel')
        for name in (
            'num_truth',
            'num_found',
            'num_truth_hidden',
            'num_found_hidden',
            'tp',
            'fp',
            'fn',
        ):
            values[name] = sum(row[name] for row in self._figures)
        values['num_images'] = len(self._figures)
        values['score_thr'] = self.score_thr
        return values

    def _mean(self, name: str) -> float:
        return _mean(
            [row[name] for row in self._figures if row[name] is not None]
        )


def _mean(values: Sequence[float], of_none: float = _UNDEFINED) -> float:
    # An exact sum does not depend on the order, which that of the processes
    # of a distributed run would change.
    return math.fsum(values) / len(values) if values else of_none


def build_cell_scores(arguments: Mapping[str, Any]) -> CellScores:
    """Build the scores from a config.

    Args:
        arguments (Mapping): Those of :class:`CellScores`; may be empty.

    Returns:
        CellScores: Without any image yet.

    Raises:
        BadConfigError: If it is no dict, or its keys or values do not fit.
    """
    try:
        return CellScores(**arguments)
    except TypeError as error:
        raise BadConfigError(
            f"the evaluator's cell_scores={arguments!r} cannot be used "
            f'({error}): give a dict such as dict(score_thr=0.5), or None to '
            'leave these scores out'
        ) from error
