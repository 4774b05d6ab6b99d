"""Crops large images so that cells keep their scale."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.datasets.transforms import RandomCrop

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadConfigError


@TRANSFORMS.register_module()
class RandomCellCrop(RandomCrop):
    """Random crop at native scale, for unlabelled images.

    Resizing whole images would make the cells of a large field of view many
    times smaller than those of a small one. Cropped first, all sources
    enter the resizing of the views at about the same size. A side that is
    shorter than the crop is kept whole, nothing is padded.

    Required Keys:

    - img

    Modified Keys:

    - img
    - img_shape

    Args:
        size (int | Sequence[int]): Crop in pixels, one number or (height,
            width).

    Raises:
        BadConfigError: If the size is not one or two positive numbers, or
            the sample carries boxes or masks, which would not be cropped.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        pair = (size, size)
        if isinstance(size, Sequence) and not isinstance(size, str):
            pair = tuple(size)
        if len(pair) != 2 or not all(map(_is_side, pair)):
            raise BadConfigError(
                f'size={size!r} is not a crop size: give one positive '
                'number or (height, width)'
            )
        super().__init__(crop_size=pair)

    def transform(self, results: dict) -> dict:
        """Crop the image.

        Args:
            results (dict): Has ``img``, (H, W) or (H, W, C).

        Returns:
            dict: With the cropped ``img`` and its ``img_shape`` (H, W).
        """
        labels = [key for key in results if key.startswith('gt_')]
        if labels:
            raise BadConfigError(
                f'RandomCellCrop would leave {", ".join(labels)} uncropped: '
                "use mmdet's RandomCrop in a pipeline with labels"
            )
        results = super().transform(results)
        results['img_shape'] = results['img'].shape[:2]
        return results


def _is_side(value: Any) -> bool:
    return type(value) is int and value > 0
