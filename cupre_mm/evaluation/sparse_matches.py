"""COCO's matching where few of the pairs overlap enough to match."""

import numpy as np

# What pycocotools takes for a threshold of 1.
_HIGHEST_THR = 1 - 1e-10


def match_sparse(
    ious: np.ndarray, crowd: np.ndarray, iou_thrs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which detections of one image and class find an instance.

    The rule is that of ``pycocotools``: each detection, the best-scored
    first, takes the free instance of the highest IoU, the later one of
    equals; where there is none, it may lie in a crowd region, any number of
    times. Only pairs that reach the lowest threshold are looked at.

    Args:
        ious (np.ndarray): IoU of D detections, by descending score, with G
            instances, (D, G).
        crowd (np.ndarray): Which instances are crowd regions, (G,), bool.
        iou_thrs (np.ndarray): IoU thresholds, (T,).

    Returns:
        tuple[np.ndarray, np.ndarray]: Whether a detection found an instance,
        and whether it lies in a crowd region, both (T, D).
    """
    thrs = np.minimum(np.asarray(iou_thrs, float), _HIGHEST_THR)
    right = np.zeros((len(thrs), len(ious)), bool)
    ignored = np.zeros_like(right)
    detection, truth = np.nonzero(ious >= thrs.min())
    iou = ious[detection, truth]
    rivals = np.bincount(truth, minlength=ious.shape[1])
    choices = np.bincount(detection, minlength=len(ious))
    # Where neither has another choice, there is nothing to decide.
    alone = (choices[detection] == 1) & (rivals[truth] == 1) & ~crowd[truth]
    right[:, detection[alone]] = iou[alone] >= thrs[:, None]
    taken = np.zeros((len(thrs), ious.shape[1]), bool)
    starts = np.searchsorted(detection, np.arange(len(ious) + 1))
    for one in np.unique(detection[~alone]):
        pairs = slice(starts[one], starts[one + 1])
        mine, reached = truth[pairs], iou[pairs] >= thrs[:, None]
        in_crowd = crowd[mine]
        ignored[:, one] = reached[:, in_crowd].any(axis=1)
        mine, reached = mine[~in_crowd], reached[:, ~in_crowd]
        free = reached & ~taken[:, mine]
        # From behind: of equal ones the later.
        value = np.where(free, iou[pairs][~in_crowd], -1.0)[:, ::-1]
        hit = np.flatnonzero(free.any(axis=1))
        if len(hit):
            best = len(mine) - 1 - value[hit].argmax(axis=1)
            taken[hit, mine[best]] = True
            right[hit, one] = True
            ignored[hit, one] = False
    return right, ignored
