"""MaxIoUAssigner without the overlap matrix of all cells and all anchors."""

from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.models.task_modules.assigners.max_iou_assigner import (
    perm_repeat_bboxes,
)
from mmengine.structures import InstanceData
from torch import Tensor

from cupre_mm.registry import TASK_UTILS
from cupre_mm.utils.errors import BadConfigError


@TASK_UTILS.register_module()
class ChunkedMaxIoUAssigner(MaxIoUAssigner):
    """Assigns as mmdet's ``MaxIoUAssigner``, a few cells at a time.

    mmdet compares all k annotated boxes with all n priors at once, which
    takes about 40 bytes a pair: 11 GB for 3,000 cells and 91,000 anchors.
    Here the best of each prior, and of each box, is updated chunk by chunk.
    The result is the same to the bit, equal overlaps and low-quality matches
    included.

    Args:
        *args: Arguments of ``MaxIoUAssigner``.
        chunk_size (int): Annotated boxes compared with all priors at a
            time. Defaults to 64.
        **kwargs: Keyword arguments of ``MaxIoUAssigner``.

    Raises:
        BadConfigError: If ``chunk_size`` is below 1.
    """

    def __init__(
        self, *args: Any, chunk_size: int = 64, **kwargs: Any
    ) -> None:
        if chunk_size < 1:
            raise BadConfigError(
                'ChunkedMaxIoUAssigner needs chunk_size >= 1, not '
                f'{chunk_size}; a large one compares all boxes at once'
            )
        super().__init__(*args, **kwargs)
        self.chunk_size = chunk_size

    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
        **kwargs: Any,
    ) -> AssignResult:
        """Assign a box, the background or nothing to every prior.

        Args:
            pred_instances (InstanceData): Has ``priors``, (n, 4).
            gt_instances (InstanceData): Has ``bboxes``, (k, 4), and
                ``labels``, (k,).
            gt_instances_ignore (InstanceData, optional): Has ``bboxes`` to
                be ignored. Defaults to None.
            **kwargs: Not used, as in ``MaxIoUAssigner``.

        Returns:
            AssignResult: As ``MaxIoUAssigner``'s.
        """
        priors, boxes = pred_instances.priors, gt_instances.bboxes
        labels, device = gt_instances.labels, priors.device
        ignored = getattr(gt_instances_ignore, 'bboxes', None)
        if 0 < self.gpu_assign_thr < len(boxes):
            priors, boxes, labels = priors.cpu(), boxes.cpu(), labels.cpu()
            ignored = None if ignored is None else ignored.cpu()
        if len(boxes) == 0 or len(priors) == 0:
            # Nothing to compare: mmdet's own answer, on an empty matrix.
            overlaps = self.iou_calculator(boxes, priors)
            result = self.assign_wrt_overlaps(overlaps, labels)
        else:
            if self.perm_repeat_gt_cfg is not None:
                boxes = perm_repeat_bboxes(
                    boxes, self.iou_calculator, self.perm_repeat_gt_cfg
                )
            left_out = self._priors_left_out(priors, ignored)
            result = self._assign(priors, boxes, labels, left_out)
        result.gt_inds = result.gt_inds.to(device)
        result.max_overlaps = result.max_overlaps.to(device)
        result.labels = result.labels.to(device)
        return result

    def _priors_left_out(
        self, priors: Tensor, ignored: Tensor | None
    ) -> Tensor | None:
        """Tell the priors that lie in ignored boxes, (n,); None if none."""
        if self.ignore_iof_thr <= 0 or ignored is None or len(ignored) == 0:
            return None
        left_out = None
        for start in range(0, len(ignored), self.chunk_size):
            chunk = ignored[start : start + self.chunk_size]
            if self.ignore_wrt_candidates:
                iof = self.iou_calculator(priors, chunk, mode='iof').T
            else:
                iof = self.iou_calculator(chunk, priors, mode='iof')
            here = iof.amax(dim=0) > self.ignore_iof_thr
            left_out = here if left_out is None else left_out | here
        return left_out

    def _assign(
        self,
        priors: Tensor,
        boxes: Tensor,
        labels: Tensor,
        left_out: Tensor | None,
    ) -> AssignResult:
        best = best_box = low_quality = None
        for start in range(0, len(boxes), self.chunk_size):
            overlaps = self.iou_calculator(
                boxes[start : start + self.chunk_size], priors
            )
            if left_out is not None:
                overlaps[:, left_out] = -1
            value, box = overlaps.max(dim=0)
            box += start
            if best is None:
                best, best_box = value, box
                low_quality = torch.zeros_like(box)
            else:
                # As torch's max: of equals the first counts, as does the
                # first that is not a number.
                better = ~(value <= best) & ~best.isnan()
                best = torch.where(better, value, best)
                best_box = torch.where(better, box, best_box)
            if self.match_low_quality:
                # Later boxes take over from earlier ones.
                low_quality = torch.maximum(
                    low_quality, self._low_quality(overlaps, start)
                )
        assigned = torch.full_like(best_box, -1)
        assigned[self._is_negative(best)] = 0
        positive = best >= self.pos_iou_thr
        assigned[positive] = best_box[positive] + 1
        assigned = torch.where(low_quality > 0, low_quality, assigned)
        assigned_labels = torch.full_like(assigned, -1)
        positive = assigned > 0
        assigned_labels[positive] = labels[assigned[positive] - 1]
        return AssignResult(len(boxes), assigned, best, assigned_labels)

    def _is_negative(self, best: Tensor) -> Tensor:
        low, high = 0, self.neg_iou_thr
        if isinstance(high, tuple):
            low, high = high
        elif not isinstance(high, float):
            # mmdet's makes no prior negative for a threshold of another type.
            return torch.zeros_like(best, dtype=torch.bool)
        return (best >= low) & (best < high)

    def _low_quality(self, overlaps: Tensor, start: int) -> Tensor:
        """Number of the last box of a chunk that a prior is the best of.

        Args:
            overlaps (Tensor): Of c boxes and n priors, (c, n).
            start (int): Index of the first of these boxes.

        Returns:
            Tensor: Index of the box plus 1, or 0 for none, (n,).
        """
        numbers = torch.arange(len(overlaps), device=overlaps.device)
        numbers = numbers + start + 1
        best, best_prior = overlaps.max(dim=1)
        numbers = numbers * (best >= self.min_pos_iou)
        if self.gt_max_assign_all:
            is_best = overlaps == best[:, None]
            return (is_best * numbers[:, None]).amax(dim=0)
        found = numbers.new_zeros(overlaps.shape[1])
        return found.scatter_reduce_(0, best_prior, numbers, 'amax')
