"""How a model errs on one image: which cells and detections, in what way.

Classes are not looked at. All rules are about overlap, so that two people
count the same: see :data:`ERROR_KINDS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import mask as mask_codes

IOU_THR = 0.5
# Below it a detection and a cell have little to do with each other; TIDE
# (Bolya et al., ECCV 2020) draws the line of poor localisation there too.
POOR_IOU = 0.1

TRUE_POSITIVE = 'true_positive'
IGNORED = 'ignored'
# In the order in which the rules are asked.
ERROR_KINDS = {
    'merged': (
        'A detection covers at least half of each of two or more cells. '
        'Counts its cells that no detection matches, and the detection '
        'itself if it matches none.'
    ),
    'split': (
        'Two or more detections have at least half of their area in the same '
        'cell, and one of them at least matches no cell. Counts the cell if '
        'nothing matches it, and its detections that match no cell and do '
        'not reach IoU 0.5 with it.'
    ),
    'duplicate': (
        'A detection reaches IoU 0.5 with a cell that a detection of higher '
        'score has matched. Counts the detection.'
    ),
    'poor_outline': (
        'A cell and a detection, both without a match and of none of the '
        'kinds above, overlap at IoU 0.1 or more but less than 0.5. Counts '
        'both, in pairs of falling IoU.'
    ),
    'missed': 'Any other cell that no detection matches.',
    'false': 'Any other detection that matches no cell.',
}


@dataclass
class ImageMatch:
    """Cells and detections of one image, matched and told apart.

    Detections are in the order of falling score.

    Attributes:
        order (np.ndarray): Place of each detection in the list that was
            given, (N,).
        scores (np.ndarray): Scores, (N,).
        correct (np.ndarray): Whether each detection matches a cell, (N,).
        ignored (np.ndarray): Whether each lies in a crowd region and counts
            neither for nor against the model, (N,).
        found (list[str]): For each detection that reaches the score
            threshold (the first ones): ``TRUE_POSITIVE``, ``IGNORED`` or a
            key of ``ERROR_KINDS``.
        truth (list[str]): For each cell, the same.
        low_score (int): Cells without a match that one would match whose
            score is below the threshold.
    """

    order: np.ndarray
    scores: np.ndarray
    correct: np.ndarray
    ignored: np.ndarray
    found: list[str]
    truth: list[str]
    low_score: int

    def count(self, kind: str) -> tuple[int, int]:
        """Count cells and detections of one kind.

        Args:
            kind (str): ``TRUE_POSITIVE``, ``IGNORED`` or an error kind.

        Returns:
            tuple[int, int]: Cells and detections.
        """
        return self.truth.count(kind), self.found.count(kind)


def match_image(
    truth: Sequence[Any],
    found: Sequence[Any],
    scores: np.ndarray,
    score_thr: float = 0.5,
    crowd: Sequence[Any] = (),
) -> ImageMatch:
    """Match detections to cells and say of what kind each error is.

    Each detection, from the highest score on, takes the free cell that it
    overlaps most, if their IoU is at least 0.5 (COCO's rule). Of the others,
    those with at least half of their area in a crowd region are ignored.

    Args:
        truth (Sequence): Cells: compressed RLEs, or boxes (M, 4) as left,
            top, width, height.
        found (Sequence): Detections, RLEs or boxes alike.
        scores (np.ndarray): Their scores, (N,).
        score_thr (float): Least score of a detection that counts for the
            kinds of errors. Defaults to 0.5.
        crowd (Sequence): Crowd regions, RLEs or boxes. Defaults to none.

    Returns:
        ImageMatch: The result.
    """
    scores = np.asarray(scores, float).reshape(-1)
    order = np.argsort(-scores, kind='stable')
    scores = scores[order]
    found = [found[i] for i in order]
    ious = overlaps(found, truth)
    match = match_greedily(ious)
    ignored = np.zeros(len(found), bool)
    if len(crowd) and len(found):
        _, in_crowd = _shares(found, crowd, overlaps(found, crowd))
        ignored = (match < 0) & (in_crowd >= 0.5).any(axis=1)
    kept = int((scores >= score_thr).sum())
    counted = np.flatnonzero(~ignored[:kept])
    found_kinds = np.full(kept, IGNORED, dtype=object)
    truth_kinds, found_kinds[counted] = _tell_apart(
        truth, [found[i] for i in counted], ious[counted], match[counted]
    )
    later = match[kept:]
    return ImageMatch(
        order=order,
        scores=scores,
        correct=match >= 0,
        ignored=ignored,
        found=found_kinds.tolist(),
        truth=truth_kinds.tolist(),
        low_score=int((later >= 0).sum()),
    )


def overlaps(found: Sequence[Any], truth: Sequence[Any]) -> np.ndarray:
    """Compute the IoU of every detection with every cell.

    Args:
        found (Sequence): Compressed RLEs, or boxes (N, 4) as left, top,
            width, height.
        truth (Sequence): RLEs or boxes alike.

    Returns:
        np.ndarray: (N, M).
    """
    if not len(found) or not len(truth):
        return np.zeros((len(found), len(truth)))
    return mask_codes.iou(*map(_shapes, (found, truth)), [0] * len(truth))


def match_greedily(ious: np.ndarray, iou_thr: float = IOU_THR) -> np.ndarray:
    """Give each detection in turn the free cell that it overlaps most.

    Args:
        ious (np.ndarray): (N, M), detections in order of falling score.
        iou_thr (float): Least IoU of a match. Defaults to 0.5.

    Returns:
        np.ndarray: Cell of each detection, -1 for none, (N,).
    """
    match = np.full(len(ious), -1)
    if not ious.size:
        return match
    free = np.ones(ious.shape[1])
    for i in np.flatnonzero(ious.max(axis=1) >= iou_thr):
        row = ious[i] * free
        best = int(row.argmax())
        if row[best] >= iou_thr:
            match[i] = best
            free[best] = 0
    return match


def _tell_apart(
    truth: Sequence[Any],
    found: Sequence[Any],
    ious: np.ndarray,
    match: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Kinds of all cells, and of the detections that reach the threshold."""
    truth_kinds = np.full(len(truth), 'missed', dtype=object)
    found_kinds = np.full(len(found), 'false', dtype=object)
    truth_kinds[match[match >= 0]] = TRUE_POSITIVE
    found_kinds[match >= 0] = TRUE_POSITIVE
    if not ious.size:
        return truth_kinds, found_kinds
    cell_covered, found_inside = _shares(found, truth, ious)
    same = ious >= IOU_THR

    def mark(cells: np.ndarray, detections: np.ndarray, kind: str) -> None:
        truth_kinds[cells & (truth_kinds == 'missed')] = kind
        found_kinds[detections & (found_kinds == 'false')] = kind

    covers = cell_covered >= 0.5
    merging = covers.sum(axis=1) >= 2
    mark(covers[merging].any(axis=0), merging, 'merged')

    inside = found_inside >= 0.5
    unmatched = (found_kinds == 'false')[:, None] & inside & ~same
    is_split = (inside.sum(axis=0) >= 2) & unmatched.any(axis=0)
    mark(is_split, unmatched[:, is_split].any(axis=1), 'split')

    mark(np.zeros(len(truth), bool), same.any(axis=1), 'duplicate')

    left_found = np.flatnonzero(found_kinds == 'false')
    left_truth = np.flatnonzero(truth_kinds == 'missed')
    rest = ious[np.ix_(left_found, left_truth)]
    i, j = np.nonzero(rest >= POOR_IOU)
    for place in np.argsort(-rest[i, j], kind='stable'):
        detection, cell = left_found[i[place]], left_truth[j[place]]
        if (found_kinds[detection], truth_kinds[cell]) == ('false', 'missed'):
            found_kinds[detection] = truth_kinds[cell] = 'poor_outline'
    return truth_kinds, found_kinds


def _shapes(items: Sequence[Any]) -> Any:
    if isinstance(items[0], dict):
        return list(items)
    return np.asarray(items, np.float64).reshape(-1, 4)


def _areas(items: Sequence[Any]) -> np.ndarray:
    shapes = _shapes(items)
    if isinstance(shapes, list):
        # One by one: pycocotools 2.0.11 fails on a list of more than 255.
        return np.array([mask_codes.area(code) for code in shapes], float)
    return shapes[:, 2] * shapes[:, 3]


def _shares(
    found: Sequence[Any], truth: Sequence[Any], ious: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of each cell and of each detection that they have in common.

    From the IoU, which pycocotools computes fast: I = IoU (a + b) / (1 +
    IoU). The addend keeps an exact half from falling short by rounding.
    """
    a, b = _areas(found)[:, None], _areas(truth)[None]
    shared = ious * (a + b) / (1 + ious)
    tiny = 1e-9
    of_truth = shared / np.maximum(b, tiny) + tiny
    of_found = shared / np.maximum(a, tiny) + tiny
    return of_truth, of_found
