"""Scores of cell segmentation on label images: the formulas.

All are made of a few sums, :class:`FieldCounts`, which are taken of one
image or added up over many. TP are the pairs of a one-to-one matching
(:func:`.instance_matching.match_pairs`) at an IoU threshold t, FP the
predicted and FN the true instances without a partner.

Mean accuracy
    ``TP / (TP + FP + FN)``, mean over t = 0.5, 0.55, ..., 0.95, IoU >= t.
    Score of the Data Science Bowl 2018 (Caicedo et al., Nature Methods
    2019), named average precision by StarDist (Schmidt et al., MICCAI 2018)
    and Cellpose (Stringer et al., Nature Methods 2021); it is not COCO's AP.
F1
    ``2 TP / (2 TP + FP + FN)`` at t = 0.5 and 0.75, IoU >= t (Caicedo et
    al., Cytometry A 2019; ``stardist.matching``).
Panoptic quality
    ``SQ * RQ``; SQ is the mean IoU of the TP, RQ the F1, at IoU > 0.5
    (Kirillov et al., CVPR 2019).
Aggregated Jaccard index
    Every true instance takes the prediction of the highest IoU with it, the
    first of equals. Sum of their intersections over the sum of their unions
    and of the predictions that none took. A prediction may be taken twice
    and then counts twice (Kumar et al., IEEE TMI 2017).
SEG
    Mean over the true instances of the IoU with the prediction that covers
    more than half of the instance, 0 where none does (Maška et al.,
    Bioinformatics 2014; Cell Tracking Challenge).
False-negative ratio
    ``FN / (TP + FN)``, mean over t = 0.5, 0.55, ..., 0.95 (Edlund et al.,
    LIVECell, Nature Methods 2021); here of label images, and so of the
    detections that the score threshold has left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .instance_matching import Overlaps, match_pairs

Figure = float | int | None

# Of integers, so that each is the float that is nearest to its decimal, as
# an IoU of that ratio is.
IOU_THRESHOLDS = np.arange(50, 100, 5) / 100


@dataclass(frozen=True)
class FieldCounts:
    """Sums that the scores are made of.

    Attributes:
        num_truth (int): True instances.
        num_found (int): Predicted instances.
        tp (np.ndarray): Matches at each of :data:`IOU_THRESHOLDS`, (10,).
        pq_matches (int): Matches of an IoU above 0.5.
        pq_iou (float): Sum of their IoU.
        aji_intersection (int): Pixels of the AJI's intersections.
        aji_union (int): Pixels of its unions.
        seg_iou (float): Sum of the IoU that SEG takes the mean of.
    """

    num_truth: int
    num_found: int
    tp: np.ndarray
    pq_matches: int
    pq_iou: float
    aji_intersection: int
    aji_union: int
    seg_iou: float

    @classmethod
    def total(cls, counts: Sequence[FieldCounts]) -> FieldCounts:
        """Add up the sums of images, the same in whatever order.

        Args:
            counts (Sequence[FieldCounts]): The sums of each image.

        Returns:
            FieldCounts: Those of all together, as if they were one image.
        """
        tp = np.zeros(len(IOU_THRESHOLDS), int)
        return cls(
            num_truth=sum(one.num_truth for one in counts),
            num_found=sum(one.num_found for one in counts),
            tp=sum((one.tp for one in counts), tp),
            pq_matches=sum(one.pq_matches for one in counts),
            pq_iou=math.fsum(one.pq_iou for one in counts),
            aji_intersection=sum(one.aji_intersection for one in counts),
            aji_union=sum(one.aji_union for one in counts),
            seg_iou=math.fsum(one.seg_iou for one in counts),
        )

    def scores(self) -> dict[str, float | None]:
        """Compute the scores.

        Returns:
            dict[str, float | None]: ``mean_accuracy``, ``f1_50``, ``f1_75``,
            ``pq``, ``sq``, ``rq``, ``aji``, ``seg`` and ``fnr``, from 0 to
            1. Without a true and without a predicted instance all but
            ``seg`` and ``fnr`` are 1; these two are None without a true
            instance.
        """
        either = self.num_truth + self.num_found
        accuracy = [_ratio(tp, either - tp, 1.0) for tp in self.tp]
        f1 = [_ratio(2 * tp, either, 1.0) for tp in self.tp]
        # With instances but no match there is no IoU to take the mean of.
        sq = _ratio(self.pq_iou, self.pq_matches, 0.0 if either else 1.0)
        rq = _ratio(2 * self.pq_matches, either, 1.0)
        seg = fnr = None
        if self.num_truth:
            seg = self.seg_iou / self.num_truth
            fnr = float(np.mean(1 - self.tp / self.num_truth))
        return {
            'mean_accuracy': float(np.mean(accuracy)),
            'f1_50': f1[_place_of(0.5)],
            'f1_75': f1[_place_of(0.75)],
            'pq': sq * rq,
            'sq': sq,
            'rq': rq,
            'aji': _ratio(self.aji_intersection, self.aji_union, 1.0),
            'seg': seg,
            'fnr': fnr,
        }


def count_image(overlaps: Overlaps) -> FieldCounts:
    """Take the sums of one image.

    Args:
        overlaps (Overlaps): Overlaps of its true and predicted instances.

    Returns:
        FieldCounts: The sums.
    """
    panoptic = match_pairs(overlaps, 0.5, strict=True)
    intersection, union = _sum_for_aji(overlaps)
    covering = (
        2 * overlaps.intersections > overlaps.truth_areas[overlaps.truth]
    )
    return FieldCounts(
        num_truth=len(overlaps.truth_areas),
        num_found=len(overlaps.found_areas),
        tp=np.array([len(match_pairs(overlaps, t)) for t in IOU_THRESHOLDS]),
        pq_matches=len(panoptic),
        pq_iou=float(overlaps.iou[panoptic].sum()),
        aji_intersection=intersection,
        aji_union=union,
        seg_iou=float(overlaps.iou[covering].sum()),
    )


def count_errors(num_truth: int, num_found: int) -> dict[str, Figure]:
    """Give the error of a cell count.

    Args:
        num_truth (int): True instances of an image.
        num_found (int): Predicted instances.

    Returns:
        dict[str, float | int | None]: ``count_error``, below 0 if too few
        are found, and ``count_error_rel``, its size as a share of the true
        instances; None without any.
    """
    error = num_found - num_truth
    return {
        'count_error': error,
        'count_error_rel': abs(error) / num_truth if num_truth else None,
    }


def _sum_for_aji(overlaps: Overlaps) -> tuple[int, int]:
    # The best pair of each true instance comes first among its pairs.
    order = np.lexsort((overlaps.found, -overlaps.iou, overlaps.truth))
    taken, first = np.unique(overlaps.truth[order], return_index=True)
    best = order[first]
    found = overlaps.found[best]
    intersection = int(overlaps.intersections[best].sum())
    union = int(overlaps.unions[best].sum())
    union += int(np.delete(overlaps.truth_areas, taken).sum())
    union += int(np.delete(overlaps.found_areas, np.unique(found)).sum())
    return intersection, union


def _place_of(threshold: float) -> int:
    return int(np.flatnonzero(np.isclose(IOU_THRESHOLDS, threshold))[0])


def _ratio(part: float, whole: float, of_nothing: float) -> float:
    return float(part / whole) if whole else of_nothing
