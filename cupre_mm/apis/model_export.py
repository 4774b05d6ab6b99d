"""Writes a trained detector as a file that runs without mmdet."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from cupre_mm.apis.faster_model import make_faster
from cupre_mm.apis.portable_detector import PortableDetector
from cupre_mm.utils.errors import BadConfigError, BadDataError

SETTINGS_NAME = 'settings.json'
# mmcv suppresses group by group from this number of boxes on.
_SPLIT = 10000
_MOST_LEVELS = 5
# Largest difference that counts as equal, in pixels and of scores.
BOX_TOLERANCE = 0.05
SCORE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Difference:
    """How far the detections of two models are apart.

    Attributes:
        images (int): Images that were compared.
        detections (int): Detections on them.
        box (float): Largest difference of a coordinate, in pixels.
        score (float): Largest difference of a score.
        mask_pixels (int): Pixels of masks that differ.
    """

    images: int
    detections: int
    box: float
    score: float
    mask_pixels: int


def make_portable(model: nn.Module, faster: bool = True) -> PortableDetector:
    """Take a detector apart and build the portable one of its networks.

    Args:
        model (nn.Module): A Mask R-CNN or Cascade Mask R-CNN of mmdet, on
            the CPU.
        faster (bool): Whether it goes through
            :func:`~.faster_model.make_faster` first, which changes the last
            bits. Defaults to True.

    Returns:
        PortableDetector: In evaluation mode.

    Raises:
        BadConfigError: If it has a part that the portable detector does not
            know.
    """
    settings = _settings(model)
    if faster:
        make_faster(model)
    roi = model.roi_head
    # Large enough that no feature map is a single pixel.
    size = settings['divisor'] * -(-128 // settings['divisor'])
    channels = model.neck.out_channels if model.neck is not None else None
    if channels is None:
        raise BadConfigError('the detector has no neck: nothing else is known')
    with torch.inference_mode(False), torch.no_grad():
        features = _trace(_Features(model), torch.rand(1, 3, size, size))
        heads = [
            [
                _trace(head, torch.rand(3, channels, side, side))
                for head in _stages(stages)
            ]
            for stages, side in (
                (roi.bbox_head, settings['bbox_size']),
                (roi.mask_head, settings['mask_size']),
            )
        ]
    return PortableDetector(features, *heads, settings).eval()


def to_torchscript(
    detector: PortableDetector, settings: dict[str, Any]
) -> bytes:
    """Compile a detector.

    Args:
        detector (PortableDetector): The detector.
        settings (dict): What a loader has to know; goes into the file.

    Returns:
        bytes: The file, for ``torch.jit.load``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        scripted = torch.jit.script(detector)
    buffer = io.BytesIO()
    extra = {SETTINGS_NAME: json.dumps(settings, indent=1)}
    torch.jit.save(scripted, buffer, _extra_files=extra)
    return buffer.getvalue()


def compare(
    model: nn.Module, content: bytes, images: Sequence[Tensor]
) -> Difference:
    """Detect with both, and see whether the detections are equal.

    Args:
        model (nn.Module): The detector of mmdet, on the CPU.
        content (bytes): The exported one.
        images (Sequence[Tensor]): (3, H, W), uint8, in the order R, G, B.

    Returns:
        Difference: How far they are apart.

    Raises:
        BadDataError: If they find different objects, or one further apart
            than rounding puts it.
    """
    portable = torch.jit.load(io.BytesIO(content))
    number, box, score, pixels = 0, 0.0, 0.0, 0
    threshold = float(model.roi_head.test_cfg.mask_thr_binary)
    for image in images:
        with torch.inference_mode():
            features = model.extract_feat(
                model.data_preprocessor(_batch(image))['inputs']
            )
            sample = _batch(image)['data_samples'][0]
            sample.set_metainfo(dict(batch_input_shape=tuple(image.shape[1:])))
            proposals = model.rpn_head.predict(
                features, [sample], rescale=False
            )
            metas = [sample.metainfo]
            roi = model.roi_head
            found = roi.predict_bbox(
                features, metas, proposals, roi.test_cfg, rescale=False
            )[0]
            masks = _mask_probabilities(roi, features, found)
            boxes, scores, labels, others = portable(image.float())
        number += len(found)
        if len(found) != len(boxes):
            raise BadDataError(
                f'the exported model finds {len(boxes)} objects on an image '
                f'of {tuple(image.shape)}, the original {len(found)}; report '
                'it with the config'
            )
        if not len(found):
            continue
        # Equal scores may stand in another order.
        order = _match(
            (found.bboxes, found.scores, found.labels),
            (boxes, scores, labels),
        )
        box = max(box, float((found.bboxes - boxes[order]).abs().max()))
        score = max(score, float((found.scores - scores[order]).abs().max()))
        pixels += int(
            ((masks >= threshold) != (others[order] >= threshold)).sum()
        )
        if not torch.equal(found.labels, labels[order]):
            score = 1.0
    difference = Difference(len(images), number, box, score, pixels)
    if box > BOX_TOLERANCE or score > SCORE_TOLERANCE:
        raise BadDataError(
            f'the exported model differs from the original: {difference}; '
            'please report this with the config'
        )
    return difference


class _Features(nn.Module):
    """All that works on the whole image."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.neck = model.neck
        self.rpn_head = model.rpn_head

    def forward(
        self, image: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        features = self.neck(self.backbone(image))
        objectness, deltas = self.rpn_head(features)
        return list(features), list(objectness), list(deltas)


def _trace(part: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    with warnings.catch_warnings():
        # That shapes are traced, and that torch will drop TorchScript.
        warnings.simplefilter('ignore')
        return torch.jit.trace(part, example, check_trace=False, strict=False)


def _stages(heads: Any) -> list[nn.Module]:
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def _settings(model: nn.Module) -> dict[str, Any]:
    """Read out what lies between the networks; refuse what is not known."""
    rpn, roi = (
        getattr(model, 'rpn_head', None),
        getattr(model, 'roi_head', None),
    )
    _need(isinstance(roi, CascadeRoIHead | StandardRoIHead), 'roi_head', roi)
    _need(isinstance(rpn, RPNHead) and rpn.use_sigmoid_cls, 'rpn_head', rpn)
    _need(roi.with_mask, 'mask_head', None)
    _need(not getattr(roi, 'with_shared_head', False), 'shared_head', roi)
    generator = rpn.prior_generator
    _need(
        len(generator.base_anchors) <= _MOST_LEVELS,
        'anchor_generator',
        generator,
    )
    heads = _stages(roi.bbox_head)
    masks = _stages(roi.mask_head)
    for coder in [rpn.bbox_coder, *(head.bbox_coder for head in heads)]:
        _need(
            type(coder) is DeltaXYWHBBoxCoder
            and coder.clip_border
            and not coder.add_ctr_clamp
            and not any(coder.means),
            'bbox_coder',
            coder,
        )
    _need(
        not any(getattr(h, 'custom_activation', False) for h in heads),
        'bbox_head',
        heads[0],
    )
    boxes = _extractor(roi.bbox_roi_extractor)
    cut = _extractor(roi.mask_roi_extractor)
    rcnn, proposals = roi.test_cfg, rpn.test_cfg
    for name, cfg in (('rcnn', rcnn.nms), ('rpn', proposals.nms)):
        _need(
            cfg.get('type', 'nms') == 'nms'
            and not set(cfg) - {'type', 'iou_threshold'},
            f'test_cfg.{name}.nms',
            cfg,
        )
    preprocessor = model.data_preprocessor
    _need(
        hasattr(preprocessor, 'mean'), 'data_preprocessor.mean', preprocessor
    )
    anchors = [one.detach().clone() for one in generator.base_anchors]
    anchors += [torch.zeros(0, 4)] * (_MOST_LEVELS - len(anchors))
    _need(len(masks) == len(heads), 'mask_head', roi)
    return dict(
        mean=preprocessor.mean.flatten().tolist(),
        std=preprocessor.std.flatten().tolist(),
        takes_bgr=not preprocessor._channel_conversion,
        divisor=int(preprocessor.pad_size_divisor),
        anchors=anchors,
        anchor_strides=[tuple(map(int, s)) for s in generator.strides],
        rpn_stds=[float(one) for one in rpn.bbox_coder.stds],
        nms_pre=int(proposals.get('nms_pre', -1)),
        rpn_iou=float(proposals.nms.iou_threshold),
        rpn_most=int(proposals.max_per_img),
        smallest=float(proposals.get('min_bbox_size', -1)),
        stds=[[float(one) for one in h.bbox_coder.stds] for h in heads],
        score_thr=float(rcnn.score_thr),
        iou=float(rcnn.nms.iou_threshold),
        most=int(rcnn.max_per_img),
        strides=[int(one) for one in boxes.featmap_strides],
        finest=float(boxes.finest_scale),
        bbox_size=int(boxes.roi_layers[0].output_size[0]),
        mask_size=int(cut.roi_layers[0].output_size[0]),
        bbox_samples=int(boxes.roi_layers[0].sampling_ratio),
        mask_samples=int(cut.roi_layers[0].sampling_ratio),
        split=_SPLIT,
    )


def _extractor(extractors: Any) -> SingleRoIExtractor:
    first = _stages(extractors)[0]
    _need(
        all(
            isinstance(one, SingleRoIExtractor) and str(one) == str(first)
            for one in _stages(extractors)
        )
        and all(
            layer.aligned and layer.pool_mode == 'avg'
            for layer in first.roi_layers
        ),
        'roi_extractor',
        first,
    )
    return first


def _need(good: bool, name: str, found: Any) -> None:
    if not good:
        raise BadConfigError(
            f'the detector cannot be exported: its {name} is '
            f'{type(found).__name__} ({str(found)[:80]}), and only Mask R-CNN '
            "and Cascade Mask R-CNN with mmdet's usual parts are known. Use "
            'it with cupre_mm.apis.CellSegmenter'
        )


def _batch(image: Tensor) -> dict[str, list]:
    height, width = image.shape[1:]
    sample = DetDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(height, width),
            scale_factor=(1.0, 1.0),
        )
    )
    # As an image file is read by mmdet: B, G, R.
    return dict(inputs=[image.flip(0)], data_samples=[sample])


def _mask_probabilities(
    roi: nn.Module, features: tuple[Tensor], found: Any
) -> Tensor:
    if not len(found):
        return torch.zeros(0)
    rois = torch.cat([torch.zeros(len(found), 1), found.bboxes], dim=1)
    stages = len(_stages(roi.mask_head))
    total = [
        (
            roi._mask_forward(stage, features, rois)
            if isinstance(roi, CascadeRoIHead)
            else roi._mask_forward(features, rois)
        )['mask_preds'].sigmoid()
        for stage in range(stages)
    ]
    mean = torch.stack(total).mean(dim=0)
    which = found.labels if mean.shape[1] > 1 else found.labels * 0
    return mean[torch.arange(len(found)), which]


def _match(mine: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> Tensor:
    """Index of the nearest of the other detections for each."""
    points = [
        torch.cat([boxes, scores[:, None], labels[:, None] * 1e4], dim=1)
        for boxes, scores, labels in (mine, theirs)
    ]
    return torch.cdist(*(one.double() for one in points)).argmin(dim=1)
