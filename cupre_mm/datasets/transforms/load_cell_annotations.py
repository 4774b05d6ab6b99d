"""Loads boxes and masks of images with thousands of cells."""

from mmdet.datasets.transforms import LoadAnnotations

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.cropped_bitmap_masks import CroppedBitmapMasks


@TRANSFORMS.register_module()
class LoadCellAnnotations(LoadAnnotations):
    """mmdet's ``LoadAnnotations``, with masks held as crops.

    Takes the same arguments and gives the same masks, from polygons and
    run-length codes, as ``cupre_mm.utils.cropped_bitmap_masks``'s
    ``CroppedBitmapMasks``. With ``poly2mask=False`` it is mmdet's.
    """

    def _load_masks(self, results: dict) -> None:
        if not self.poly2mask:
            super()._load_masks(results)
            return
        height, width = results['ori_shape']
        results['gt_masks'] = CroppedBitmapMasks.from_dense(
            (
                self._poly2mask(mask, height, width)
                for mask in self._process_masks(results)
            ),
            height,
            width,
        )
