"""Makes the test step of a trained detector cheaper at equal detections.

What each change does was measured with a ResNet-18 Cascade Mask R-CNN on a
CPU; docs/benchmarks.md has the figures, and what did not help.
"""

from __future__ import annotations

from typing import Any

import torch
from mmcv.cnn import fuse_conv_bn
from mmcv.ops import RoIAlign
from mmdet.models.roi_heads import CascadeRoIHead
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor, nn

# RoIs whose mask features are held at a time.
_CHUNK = 32
_LEFT_OUT = 'num_left_out'


def make_faster(model: nn.Module, bfloat16: bool = False) -> nn.Module:
    """Change a detector for prediction, in place.

    - Only detections with the score that :func:`set_least_score` asks for
      get a mask.
    - The mask heads of a cascade share the features of RoIs, which are the
      same for all of its stages.
    - The up-sampling of a mask head, a transposed convolution whose windows
      do not overlap, and the layer after it become two matrix products.
    - On a CPU RoIs are cut out by torchvision, which gives the same bits as
      mmcv in half the time, and convolutions keep channels last.
    - Each convolution of backbone and neck takes in the batch normalisation
      after it.

    What a change is not made for stays as it is: heads whose forward is not
    mmdet's own, other RoI extractors, other up-samplings. Detections differ
    by float32's rounding. The model cannot be trained any more.

    Args:
        model (nn.Module): A detector of mmdet on its device, with its
            weights.
        bfloat16 (bool): Whether to convolve in bfloat16, for a CPU that has
            AMX or a GPU; scores and masks then differ in their third digit.
            Defaults to False.

    Returns:
        nn.Module: The model.
    """
    model.eval()
    on_cpu = next(model.parameters()).device.type == 'cpu'
    for name in ('backbone', 'neck'):
        if getattr(model, name, None) is not None:
            setattr(model, name, fuse_conv_bn(getattr(model, name)))
    if on_cpu and hasattr(model, 'backbone'):
        _keep_channels_last(model)
    for part in list(model.modules()):
        if isinstance(part, RoIAlign) and part.pool_mode == 'avg':
            part.use_torchvision = part.use_torchvision or on_cpu
        elif type(part) is SingleRoIExtractor:
            part.__class__ = _LeanRoIExtractor
        elif _has_plain_deconvolution(part):
            _mix_in(part, _MatrixTailMixin)
            part.fold_tail(on_cpu)
    roi_head = getattr(model, 'roi_head', None)
    if isinstance(roi_head, BaseRoIHead) and roi_head.with_mask:
        if _is_plain_cascade(roi_head):
            _mix_in(roi_head, _SharedFeaturesMixin)
        _mix_in(roi_head, _LeanRoIHeadMixin)
    if bfloat16:
        _convolve_in_bfloat16(model)
    return model


def set_least_score(model: nn.Module, score: float) -> None:
    """Tell a model which detections need no mask.

    Args:
        model (nn.Module): Of :func:`make_faster`; any other one is left
            alone.
        score (float): Detections below it are left out. 0 keeps all.
    """
    roi_head = getattr(model, 'roi_head', None)
    if isinstance(roi_head, _LeanRoIHeadMixin):
        roi_head.least_score = score


def num_left_out(found: InstanceData) -> int:
    """Tell how many detections were left out for their score.

    Args:
        found (InstanceData): What the model predicted for an image.

    Returns:
        int: Detections below the score of :func:`set_least_score`.
    """
    return found.metainfo.get(_LEFT_OUT, 0)


class _LeanRoIHeadMixin:
    """Gives no mask to detections below a score. Before an RoI head."""

    least_score = 0.0

    def predict(
        self, x: tuple[Tensor], *args: Any, **kwargs: Any
    ) -> InstanceList:
        # Else every RoI layer would rearrange channels-last features anew.
        return super().predict(
            tuple(one.contiguous() for one in x), *args, **kwargs
        )

    def predict_mask(
        self,
        x: tuple[Tensor],
        batch_img_metas: list[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        kept = []
        for results in results_list:
            good = results[results.scores >= self.least_score]
            good.set_metainfo({_LEFT_OUT: len(results) - len(good)})
            kept.append(good)
        return super().predict_mask(x, batch_img_metas, kept, rescale)


class _SharedFeaturesMixin:
    """Extracts the mask features of RoIs once. Before a CascadeRoIHead."""

    def _mask_forward(
        self, stage: int, x: tuple[Tensor], rois: Tensor
    ) -> dict:
        # Called for every stage in turn: the first answers for all of them.
        if stage == 0:
            self._waiting = self._all_stages(x, rois)
        preds = self._waiting[stage]
        self._waiting[stage] = None
        return dict(mask_preds=preds)

    def _all_stages(self, x: tuple[Tensor], rois: Tensor) -> list[Tensor]:
        extractor = self.mask_roi_extractor[0]
        parts = []
        for chunk in rois.split(_CHUNK):
            features = extractor(x[: extractor.num_inputs], chunk)
            parts.append([head(features) for head in self.mask_head])
        return [torch.cat(one) for one in zip(*parts)]


class _MatrixTailMixin:
    """Up-samples and classifies by matrix products. Before FCNMaskHead."""

    def fold_tail(self, channels_last: bool) -> None:
        """Bring the weights into the form of matrices."""
        weight = self.upsample.weight.detach()
        self._size = self.upsample.kernel_size
        matrices = {
            '_up': weight.permute(0, 2, 3, 1).flatten(1).contiguous(),
            '_up_bias': self.upsample.bias.detach().repeat(
                self._size[0] * self._size[1]
            ),
            '_out': self.conv_logits.weight.detach().flatten(1).t(),
        }
        for name, value in matrices.items():
            self.register_buffer(name, value, persistent=False)
        if channels_last:
            self.convs.to(memory_format=torch.channels_last)
        self._channels_last = channels_last

    def forward(self, x: Tensor) -> Tensor:
        if self._channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        for conv in self.convs:
            x = conv(x)
        number, channels, height, width = x.shape
        rows, columns = self._size
        kinds = self.conv_logits.out_channels
        pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
        finer = torch.addmm(self._up_bias, pixels, self._up).relu_()
        finer = finer.view(-1, self.conv_logits.in_channels)
        logits = torch.addmm(self.conv_logits.bias, finer, self._out)
        return (
            logits.view(number, height, width, rows, columns, kinds)
            .permute(0, 5, 1, 3, 2, 4)
            .reshape(number, kinds, height * rows, width * columns)
        )


class _LeanRoIExtractor(SingleRoIExtractor):
    """Without what mmdet adds for the sake of training on many GPUs."""

    def forward(
        self,
        feats: tuple[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        rois = rois.type_as(feats[0])
        levels = self.map_roi_levels(rois, len(feats))
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        present = levels.unique().tolist()
        if len(present) == 1:
            return self.roi_layers[present[0]](feats[present[0]], rois)
        size = self.roi_layers[0].output_size
        out = feats[0].new_empty(len(rois), self.out_channels, *size)
        for level in present:
            which = (levels == level).nonzero().squeeze(1)
            out[which] = self.roi_layers[level](feats[level], rois[which])
        return out


def _keep_channels_last(model: nn.Module) -> None:
    for name in ('backbone', 'neck', 'rpn_head'):
        if getattr(model, name, None) is not None:
            getattr(model, name).to(memory_format=torch.channels_last)
    if not getattr(model.backbone, '_takes_channels_last', False):
        model.backbone._takes_channels_last = True
        model.backbone.register_forward_pre_hook(_to_channels_last)


def _to_channels_last(_: nn.Module, given: tuple) -> tuple:
    return tuple(
        one.contiguous(memory_format=torch.channels_last) for one in given
    )


def _mix_in(part: nn.Module, mixin: type) -> None:
    if not isinstance(part, mixin):
        before = type(part)
        part.__class__ = type(before.__name__, (mixin, before), {})


def _has_plain_deconvolution(part: nn.Module) -> bool:
    if not (
        isinstance(part, FCNMaskHead)
        and type(part).forward is FCNMaskHead.forward
        and part.upsample_method == 'deconv'
        and isinstance(part.conv_logits, nn.Conv2d)
        and part.conv_logits.kernel_size == (1, 1)
        and part.conv_logits.groups == 1
        and part.conv_logits.bias is not None
    ):
        return False
    up = part.upsample
    return (
        isinstance(up, nn.ConvTranspose2d)
        and up.kernel_size == up.stride
        and up.bias is not None
        and set(up.padding + up.output_padding) == {0}
        and up.dilation == (1, 1)
        and up.groups == 1
    )


def _is_plain_cascade(roi_head: nn.Module) -> bool:
    """Whether the stages of a cascade cut out the same mask features."""
    if not isinstance(roi_head, CascadeRoIHead):
        return False
    # A head that hands features from stage to stage has a way of its own.
    if type(roi_head).predict_mask is not CascadeRoIHead.predict_mask:
        return False
    extractors = list(roi_head.mask_roi_extractor)
    return all(
        type(one) in (SingleRoIExtractor, _LeanRoIExtractor)
        and repr(one) == repr(extractors[0])
        and one.finest_scale == extractors[0].finest_scale
        for one in extractors
    )


def _convolve_in_bfloat16(model: nn.Module) -> None:
    """Scores, boxes and RoIs stay in float32."""
    parts = [model.backbone, getattr(model, 'neck', None)]
    for name, part in model.named_modules():
        if name.endswith(('rpn_conv', 'shared_fcs')) or (
            name.endswith('.convs') and '.mask_head' in f'.{name}'
        ):
            parts += [part] if name.endswith('rpn_conv') else list(part)
    for part in parts:
        if part is None:
            continue
        part.to(torch.bfloat16)
        part.register_forward_pre_hook(
            lambda _, given: _cast(given, torch.bfloat16)
        )
        part.register_forward_hook(
            lambda _, given, made: _cast(made, torch.float32)
        )


def _cast(value: object, dtype: torch.dtype) -> object:
    if isinstance(value, Tensor):
        return value.to(dtype)
    if isinstance(value, tuple | list):
        return type(value)(_cast(one, dtype) for one in value)
    return value
