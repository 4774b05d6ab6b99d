"""Mixed precision in bfloat16, on the CPU as well as on GPUs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import (
    BaseRoIExtractor,
)
from mmengine.optim import OptimWrapper
from torch import nn

from cupre_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass under ``torch.autocast`` to bfloat16.

    The range of bfloat16 is that of float32: no loss scaling is needed, and
    ``state_dict`` is that of ``OptimWrapper``. mmengine's
    ``AmpOptimWrapper`` always scales, and needs a GPU.

    A bfloat16 has 8 significant bits, so that a coordinate of 1,000 px would
    be off by up to 2 px, and mmcv has no CPU kernels for it. What mmdet
    computes on boxes therefore stays float32: the features that RoI
    extractors read, as they cast the boxes to the features' type, and the
    scores and box deltas that dense and box heads give.

    Args:
        **kwargs: Arguments of :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enable autocast around preprocessing and forward pass.

        Args:
            model (nn.Module): The model; its parameters tell the device.

        Yields:
            None
        """
        device = next(model.parameters()).device.type
        with (
            super().optim_context(model),
            _float32_boxes(model),
            torch.autocast(device, dtype=torch.bfloat16),
        ):
            yield


@contextmanager
def _float32_boxes(model: nn.Module) -> Iterator[None]:
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, BaseRoIExtractor):
                handle = module.register_forward_pre_hook(
                    lambda _, args: _to_float32(args)
                )
            elif isinstance(module, (BaseDenseHead, BBoxHead)):
                handle = module.register_forward_hook(
                    lambda _, args, output: _to_float32(output)
                )
            else:
                continue
            hooks.callback(handle.remove)
        yield


def _to_float32(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype == torch.bfloat16 else value
    if isinstance(value, (list, tuple)):
        return type(value)(_to_float32(one) for one in value)
    return value
