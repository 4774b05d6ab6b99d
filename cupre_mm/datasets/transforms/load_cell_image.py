"""Loads a microscope image without losing bit depth."""

import numpy as np
from mmcv.transforms import BaseTransform

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.microscopy_io import read_image, to_three_channels


@TRANSFORMS.register_module()
class LoadCellImage(BaseTransform):
    """Load PNG, JPEG, BMP or TIFF, gray, RGB or RGBA, 8 bits or more.

    The image is (H, W, 3) in BGR order, as mmcv's and mmdet's transforms
    expect, of the number type it was stored with: let
    :class:`~.percentile_normalize.PercentileNormalize` follow before
    anything that needs 8 bits. A file that cannot be read is an error, not
    another image drawn in its stead.

    Required Keys:

    - img_path

    Added Keys:

    - img
    - img_shape
    - ori_shape

    Raises:
        MissingDataError: If the file is not there.
        BadDataError: If the file cannot be decoded, or has channels that
            are neither gray nor RGB(A).
    """

    def transform(self, results: dict) -> dict:
        """Load the image.

        Args:
            results (dict): Has ``img_path``.

        Returns:
            dict: With ``img`` (H, W, 3), ``img_shape`` and ``ori_shape``
            (H, W).
        """
        path = results['img_path']
        image = read_image(path)
        try:
            image = to_three_channels(image)
        except BadDataError as error:
            raise BadDataError(f'{path}: {error}') from error
        results['img'] = np.ascontiguousarray(image[..., ::-1])
        results['img_shape'] = image.shape[:2]
        results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
