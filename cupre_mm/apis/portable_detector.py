"""A (Cascade) Mask R-CNN that torch and torchvision alone can run."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torchvision.ops import nms, roi_align

# mmdet's: no side of a box changes by more than a factor of 62.5.
_RATIO = abs(math.log(16 / 1000))
# Objects whose mask features are held at a time.
_CHUNK = 128


class PortableDetector(nn.Module):
    """The test step of mmdet, written so that TorchScript can hold it.

    The networks come as traced modules, and what mmdet does between them is
    written out here: anchors, decoding, suppression, cutting out RoIs. Takes
    one image.

    Args:
        features (nn.Module): (1, 3, H, W) -> features, objectness and box
            deltas, a list of levels each.
        bbox_heads (list[nn.Module]): (n, C, s, s) -> class logits and box
            deltas; a stage of the cascade each.
        mask_heads (list[nn.Module]): (n, C, s, s) -> mask logits.
        settings (dict): What :mod:`.model_export` reads out of the model.
    """

    def __init__(
        self,
        features: nn.Module,
        bbox_heads: list[nn.Module],
        mask_heads: list[nn.Module],
        settings: dict,
    ) -> None:
        super().__init__()
        self.features = features
        self.bbox_heads = nn.ModuleList(bbox_heads)
        self.mask_heads = nn.ModuleList(mask_heads)
        for name in ('mean', 'std'):
            values = torch.tensor(settings[name]).view(-1, 1, 1)
            self.register_buffer(f'_{name}', values)
        for level, anchors in enumerate(settings['anchors']):
            self.register_buffer(f'_anchors{level}', anchors)
        self._divisor: int = settings['divisor']
        self._takes_bgr: bool = settings['takes_bgr']
        self._anchor_strides: list[tuple[int, int]] = settings[
            'anchor_strides'
        ]
        self._rpn_stds: list[float] = settings['rpn_stds']
        self._nms_pre: int = settings['nms_pre']
        self._rpn_iou: float = settings['rpn_iou']
        self._rpn_most: int = settings['rpn_most']
        self._smallest: float = settings['smallest']
        self._stds: list[list[float]] = settings['stds']
        self._score_thr: float = settings['score_thr']
        self._iou: float = settings['iou']
        self._most: int = settings['most']
        self._strides: list[int] = settings['strides']
        self._bbox_size: int = settings['bbox_size']
        self._mask_size: int = settings['mask_size']
        self._bbox_samples: int = settings['bbox_samples']
        self._mask_samples: int = settings['mask_samples']
        self._split: int = settings['split']
        self._finest: float = settings['finest']
        self._ratio: float = _RATIO
        self._chunk: int = _CHUNK

    def forward(
        self, image: Tensor, score_thr: float = 0.0
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Detect the objects of an image.

        Args:
            image (Tensor): (3, H, W) in the order R, G, B, values from 0 to
                255.
            score_thr (float): Detections with a score below it are left
                out; the model's own least score holds too. Defaults to 0.

        Returns:
            tuple[Tensor, Tensor, Tensor, Tensor]: Boxes (n, 4) as x1, y1,
            x2, y2 in pixels, scores (n,), classes (n,), and the masks inside
            the boxes as probabilities, (n, h, w). Best score first.
        """
        height, width = image.shape[1], image.shape[2]
        features, objectness, deltas = self.features(self._prepare(image))
        boxes = self._propose(objectness, deltas, height, width)
        boxes, logits, regressed = self._refine(features, boxes, height, width)
        boxes, scores, labels = self._select(boxes, logits, regressed)
        good = scores >= score_thr
        boxes, scores, labels = boxes[good], scores[good], labels[good]
        return boxes, scores, labels, self._masks(features, boxes, labels)

    def _prepare(self, image: Tensor) -> Tensor:
        image = image.to(self._mean.dtype)
        if self._takes_bgr:
            image = image.flip(0)
        image = (image - self._mean) / self._std
        below = -image.shape[1] % self._divisor
        beside = -image.shape[2] % self._divisor
        return nn.functional.pad(image, [0, beside, 0, below])[None]

    def _anchors(self, level: int, like: Tensor) -> Tensor:
        base = self._anchors0
        if level == 1:
            base = self._anchors1
        elif level == 2:
            base = self._anchors2
        elif level == 3:
            base = self._anchors3
        elif level == 4:
            base = self._anchors4
        across, down = self._anchor_strides[level]
        x = torch.arange(like.shape[2], device=like.device).to(like.dtype)
        y = torch.arange(like.shape[1], device=like.device).to(like.dtype)
        y_of, x_of = torch.meshgrid([y * down, x * across], indexing='ij')
        x_of, y_of = x_of.reshape(-1), y_of.reshape(-1)
        shifts = torch.stack([x_of, y_of, x_of, y_of], dim=1)
        return (base[None] + shifts[:, None]).view(-1, 4)

    def _propose(
        self,
        objectness: list[Tensor],
        deltas: list[Tensor],
        height: int,
        width: int,
    ) -> Tensor:
        all_boxes: list[Tensor] = []
        all_scores: list[Tensor] = []
        all_levels: list[Tensor] = []
        for level in range(len(objectness)):
            scores = objectness[level][0].permute(1, 2, 0).reshape(-1)
            scores = scores.sigmoid()
            moves = deltas[level][0].permute(1, 2, 0).reshape(-1, 4)
            anchors = self._anchors(level, objectness[level][0])
            if 0 < self._nms_pre < scores.shape[0]:
                scores, order = scores.sort(descending=True)
                order = order[: self._nms_pre]
                scores = scores[: self._nms_pre]
                moves, anchors = moves[order], anchors[order]
            boxes = self._decode(anchors, moves, self._rpn_stds, height, width)
            all_boxes.append(boxes)
            all_scores.append(scores)
            all_levels.append(
                torch.full(
                    [len(scores)],
                    level,
                    dtype=torch.long,
                    device=scores.device,
                )
            )
        boxes = torch.cat(all_boxes)
        scores = torch.cat(all_scores)
        levels = torch.cat(all_levels)
        if self._smallest >= 0:
            sides = boxes[:, 2:] - boxes[:, :2]
            good = (sides > self._smallest).all(dim=1)
            boxes, scores, levels = boxes[good], scores[good], levels[good]
        kept = self._suppress(boxes, scores, levels, self._rpn_iou)
        return boxes[kept[: self._rpn_most]]

    def _suppress(
        self, boxes: Tensor, scores: Tensor, groups: Tensor, iou: float
    ) -> Tensor:
        """As ``mmcv.ops.batched_nms``: boxes of a group suppress others."""
        if len(boxes) == 0:
            return torch.zeros([0], dtype=torch.long, device=boxes.device)
        apart = boxes + (groups.to(boxes.dtype) * (boxes.max() + 1))[:, None]
        if len(boxes) < self._split:
            return nms(apart, scores, iou)
        good = torch.zeros_like(scores, dtype=torch.bool)
        for group in range(int(groups.max()) + 1):
            members = (groups == group).nonzero().view(-1)
            good[members[nms(apart[members], scores[members], iou)]] = True
        kept = good.nonzero().view(-1)
        return kept[scores[kept].sort(descending=True)[1]]

    def _decode(
        self,
        boxes: Tensor,
        deltas: Tensor,
        stds: list[float],
        height: int,
        width: int,
    ) -> Tensor:
        """As ``delta2bbox``: one box to a row of deltas."""
        deltas = deltas * torch.tensor(
            stds, dtype=deltas.dtype, device=deltas.device
        )
        middle = (boxes[:, :2] + boxes[:, 2:]) * 0.5
        sides = boxes[:, 2:] - boxes[:, :2]
        middle = middle + sides * deltas[:, :2]
        grown = deltas[:, 2:].clamp(min=-self._ratio, max=self._ratio).exp()
        half = sides * grown * 0.5
        low, high = middle - half, middle + half
        x1 = low[:, 0].clamp(min=0, max=width)
        y1 = low[:, 1].clamp(min=0, max=height)
        x2 = high[:, 0].clamp(min=0, max=width)
        y2 = high[:, 1].clamp(min=0, max=height)
        return torch.stack([x1, y1, x2, y2], dim=1)

    def _refine(
        self,
        features: list[Tensor],
        boxes: Tensor,
        height: int,
        width: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give the class logits (n, K + 1) and boxes (n, 1 or K, 4)."""
        logits = torch.zeros([0])
        regressed = torch.zeros([0])
        for stage, head in enumerate(self.bbox_heads):
            rois = self._cut(
                features, boxes, self._bbox_size, self._bbox_samples
            )
            scores, deltas = head(rois)
            logits = scores if stage == 0 else logits + scores
            kinds = deltas.shape[1] // 4
            regressed = self._decode(
                boxes.repeat_interleave(kinds, dim=0),
                deltas.reshape(-1, 4),
                self._stds[stage],
                height,
                width,
            ).view(len(boxes), kinds, 4)
            if stage < len(self._stds) - 1:
                if kinds == 1:
                    boxes = regressed[:, 0]
                else:
                    best = scores[:, :-1].argmax(dim=1)
                    boxes = regressed[
                        torch.arange(len(boxes), device=boxes.device), best
                    ]
        return boxes, logits / len(self._stds), regressed

    def _select(
        self, boxes: Tensor, logits: Tensor, regressed: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As ``multiclass_nms``."""
        scores = logits.softmax(dim=1)[:, :-1]
        number, kinds = scores.shape
        regressed = regressed.expand(number, kinds, 4).reshape(-1, 4)
        labels = torch.arange(kinds, device=scores.device)
        labels = labels.view(1, -1).expand(number, kinds).reshape(-1)
        scores = scores.reshape(-1)
        good = scores > self._score_thr
        boxes, scores, labels = regressed[good], scores[good], labels[good]
        kept = self._suppress(boxes, scores, labels, self._iou)
        if self._most > 0:
            kept = kept[: self._most]
        return boxes[kept], scores[kept], labels[kept]

    def _cut(
        self, features: list[Tensor], boxes: Tensor, size: int, samples: int
    ) -> Tensor:
        """As ``SingleRoIExtractor``: each RoI from the level of its size."""
        sides = boxes[:, 2:] - boxes[:, :2]
        scale = (sides[:, 0] * sides[:, 1]).sqrt()
        last = len(self._strides) - 1
        levels = (
            (scale / self._finest + 1e-6).log2().floor().clamp(0, last).long()
        )
        first = torch.zeros_like(boxes[:, :1])
        rois = torch.cat([first, boxes], dim=1)
        out = torch.zeros(
            [len(boxes), features[0].shape[1], size, size],
            dtype=boxes.dtype,
            device=boxes.device,
        )
        for level, stride in enumerate(self._strides):
            which = (levels == level).nonzero().view(-1)
            if len(which):
                out[which] = roi_align(
                    features[level],
                    rois[which],
                    [size, size],
                    1.0 / stride,
                    samples,
                    True,
                )
        return out

    def _masks(
        self, features: list[Tensor], boxes: Tensor, labels: Tensor
    ) -> Tensor:
        parts: list[Tensor] = []
        # Bounds the memory of an image with thousands of objects.
        for start in range(0, max(len(boxes), 1), self._chunk):
            some = boxes[start : start + self._chunk]
            rois = self._cut(
                features, some, self._mask_size, self._mask_samples
            )
            total = torch.zeros([0])
            for stage, head in enumerate(self.mask_heads):
                mask = head(rois).sigmoid()
                total = mask if stage == 0 else total + mask
            total = total / len(self.mask_heads)
            which = labels[start : start + self._chunk]
            if total.shape[1] == 1:
                which = torch.zeros_like(which)
            rows = torch.arange(len(some), device=boxes.device)
            parts.append(total[rows, which])
        return torch.cat(parts)
