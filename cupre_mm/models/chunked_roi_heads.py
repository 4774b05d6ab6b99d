"""RoI heads that predict a part of the RoIs at a time."""

from typing import Any

import torch
from mmdet.models.roi_heads import CascadeRoIHead, StandardRoIHead
from torch import Tensor

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError


class ChunkedRoIMixin:
    """Bounds the memory of a test step by the RoIs that are held at a time.

    To be inherited before an RoI head of mmdet with the methods
    ``_bbox_forward`` and ``_mask_forward``. Layers, parameter names and
    training stay the head's. In evaluation mode the features of RoIs are
    extracted and go through a box or mask head in chunks, and only the
    predictions are kept. They can differ in the last bits, as do those of
    any two batch sizes.

    Args:
        *args: Arguments of the RoI head.
        chunk_size (int): RoIs at a time. Defaults to 256.
        **kwargs: Keyword arguments of the RoI head.

    Raises:
        BadConfigError: If ``chunk_size`` is below 1.
    """

    def __init__(
        self, *args: Any, chunk_size: int = 256, **kwargs: Any
    ) -> None:
        if chunk_size < 1:
            raise BadConfigError(
                f'{type(self).__name__} needs chunk_size >= 1, not '
                f'{chunk_size}; a large one predicts all RoIs at once'
            )
        super().__init__(*args, **kwargs)
        self.chunk_size = chunk_size

    def _bbox_forward(self, *args: Any, **kwargs: Any) -> dict:
        return self._in_chunks(super()._bbox_forward, args, kwargs)

    def _mask_forward(self, *args: Any, **kwargs: Any) -> dict:
        return self._in_chunks(super()._mask_forward, args, kwargs)

    def _in_chunks(self, forward: Any, args: tuple, kwargs: dict) -> dict:
        rois = kwargs['rois'] if 'rois' in kwargs else args[-1]
        if (
            self.training
            or not isinstance(rois, Tensor)
            or len(rois) <= self.chunk_size
        ):
            return forward(*args, **kwargs)
        if 'rois' not in kwargs:
            args = args[:-1]
        parts = []
        for chunk in rois.split(self.chunk_size):
            results = forward(*args, **{**kwargs, 'rois': chunk})
            # Features are what takes the memory, and no one reads them here.
            parts.append(
                {
                    name: value
                    for name, value in results.items()
                    if not name.endswith('_feats')
                }
            )
        return {
            name: _concatenate([part[name] for part in parts])
            for name in parts[0]
        }


def _concatenate(values: list) -> Any:
    if values[0] is None:
        return None
    # Of a head that predicts boxes by several tensors, as SABL's.
    if isinstance(values[0], tuple | list):
        return type(values[0])(map(_concatenate, map(list, zip(*values))))
    return torch.cat(values)


@MODELS.register_module()
class ChunkedCascadeRoIHead(ChunkedRoIMixin, CascadeRoIHead):
    """The RoI head of a Cascade (Mask) R-CNN, with bounded test memory."""


@MODELS.register_module()
class ChunkedStandardRoIHead(ChunkedRoIMixin, StandardRoIHead):
    """The RoI head of a Faster or Mask R-CNN, with bounded test memory."""
