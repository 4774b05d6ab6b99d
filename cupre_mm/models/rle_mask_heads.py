"""mmdet's FCN mask heads, giving run-length codes instead of dense masks."""

import functools
import inspect
from typing import Any

import numpy as np
import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.utils import InstanceList
from mmengine.config import ConfigDict
from torch import Tensor

from cupre_mm.registry import MODELS
from cupre_mm.utils.errors import BadConfigError

from .chunked_mask_targets import ChunkedMaskTargetsMixin
from .rle_mask_pasting import paste_as_rle


class RLEMaskMixin(ChunkedMaskTargetsMixin):
    """Makes an ``FCNMaskHead`` give compressed run-length codes.

    To be inherited before the head. Layers, parameter names and losses stay
    the head's. ``masks`` of the predicted instances is a list of N codes of
    ``pycocotools`` in place of a tensor (N, H, W); decoded they are equal.
    Targets are cut in chunks, which changes nothing but the memory.
    """

    def predict_by_feat(
        self,
        mask_preds: tuple[Tensor],
        results_list: InstanceList,
        batch_img_metas: list[dict],
        rcnn_test_cfg: ConfigDict,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> InstanceList:
        """Turn predictions of RoIs into codes of the whole images.

        Args:
            mask_preds (tuple[Tensor]): Predicted foreground of each image,
                (n, num_classes, h, w).
            results_list (list[InstanceData]): Detections of each image; gain
                ``masks``.
            batch_img_metas (list[dict]): ``ori_shape`` and ``scale_factor``
                of each image.
            rcnn_test_cfg (ConfigDict): Has ``mask_thr_binary``.
            rescale (bool): Whether masks, and boxes in place, are to be of
                the original image's size. Defaults to False.
            activate_map (bool): Whether ``mask_preds`` are past the sigmoid,
                as the merged ones of a cascade. Defaults to False.

        Returns:
            list[InstanceData]: ``results_list``.

        Raises:
            BadConfigError: If ``mask_thr_binary`` is below 0: a map of
                probabilities has no run-length code.
        """
        threshold = rcnn_test_cfg.mask_thr_binary
        if threshold < 0:
            raise BadConfigError(
                f'mask_thr_binary={threshold} asks for masks of '
                'probabilities, which run-length codes cannot hold; set '
                'model.test_cfg.rcnn.mask_thr_binary=0.5 or leave the mask '
                "head's type to mmdet"
            )
        results_list = super().predict_by_feat(
            mask_preds,
            results_list,
            batch_img_metas,
            rcnn_test_cfg,
            rescale,
            activate_map,
        )
        for results in results_list:
            if not len(results):
                results.masks = []
        return results_list

    def _predict_by_feat_single(
        self,
        mask_preds: Tensor,
        bboxes: Tensor,
        labels: Tensor,
        img_meta: dict,
        rcnn_test_cfg: ConfigDict,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> list[dict]:
        scale_factor = bboxes.new_tensor(img_meta['scale_factor']).repeat(2)
        img_h, img_w = img_meta['ori_shape'][:2]
        # The sigmoid of all classes, as in mmdet: the last bits of a value
        # depend on its place in the tensor.
        if activate_map:
            mask_preds = torch.as_tensor(mask_preds, device=bboxes.device)
        else:
            mask_preds = mask_preds.sigmoid()
        if rescale:
            bboxes /= scale_factor
        else:
            w_scale, h_scale = scale_factor[:2].tolist()
            img_h = int(np.round(img_h * h_scale))
            img_w = int(np.round(img_w * w_scale))
        if self.class_agnostic:
            masks = mask_preds[:, 0]
        else:
            masks = mask_preds[range(len(labels)), labels]
        return paste_as_rle(
            masks,
            bboxes,
            img_h,
            img_w,
            rcnn_test_cfg.mask_thr_binary,
            near_box=bboxes.device.type == 'cpu',
        )


@MODELS.register_module(name='RLEMaskHead')
def build_rle_mask_head(head: str = 'FCNMaskHead', **kwargs: Any) -> Any:
    """Build a mask head of mmdet that gives run-length codes.

    Where the base config has an ``FCNMaskHead``,
    ``mask_head=dict(type='cupre_mm.RLEMaskHead')`` is enough. Another head
    is named: ``dict(type='cupre_mm.RLEMaskHead', head='HTCMaskHead')``.

    Args:
        head (str): Registered name of an ``FCNMaskHead`` or a class derived
            from it, mmdet's if without a scope. Defaults to
            ``'FCNMaskHead'``.
        **kwargs: The arguments of that head, and ``target_chunk_size`` of
            :class:`~cupre_mm.models.ChunkedMaskTargetsMixin`.

    Returns:
        FCNMaskHead: The head, with :class:`RLEMaskMixin` before its class.

    Raises:
        BadConfigError: If there is no such head, or it is of another family.
    """
    head_class = MMDET_MODELS.get(head)
    if not (
        inspect.isclass(head_class) and issubclass(head_class, FCNMaskHead)
    ):
        what = 'is not registered' if head_class is None else 'is not one'
        raise BadConfigError(
            "cupre_mm.RLEMaskHead's head must be mmdet's FCNMaskHead or "
            f'derived from it, and {head!r} {what}; leave such a mask_head '
            'as it was'
        )
    return _with_rle(head_class)(**kwargs)


@functools.cache
def _with_rle(head_class: type[FCNMaskHead]) -> type[FCNMaskHead]:
    if issubclass(head_class, RLEMaskMixin):
        return head_class
    name = f'RLE{head_class.__name__}'
    return type(name, (RLEMaskMixin, head_class), {'__module__': __name__})
