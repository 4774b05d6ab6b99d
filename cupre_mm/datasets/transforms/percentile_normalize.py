"""Brings images of any exposure and bit depth to one range."""

from mmcv.transforms import BaseTransform

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.argument_checks import config_values
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.intensity import stretch_to_uint8


@TRANSFORMS.register_module()
class PercentileNormalize(BaseTransform):
    """Stretch an image from its own percentiles to 0..255.

    Dark fluorescence becomes well exposed, and the contrast of a 16-bit
    image is spread over the 8 bits that mmdet and Pillow work with. The
    channels are stretched jointly, so hues stay. What lies outside the two
    percentiles saturates. Where the two coincide (few bright pixels on an
    empty ground) the least and greatest value take their place; a constant
    image becomes zeros. NaN becomes 0.

    Put it right after loading, with the same values in pre-training,
    fine-tuning, test and prediction: a network must see a cell in the same
    exposure in all four. mmdet's mean and std then apply as for COCO.

    The percentiles 1 and 99.8 are those of StarDist (Schmidt et al., "Cell
    Detection with Star-convex Polygons", MICCAI 2018).

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        low (float): Percentile that becomes 0. Defaults to 1.0.
        high (float): Percentile that becomes 255. Defaults to 99.8.

    Raises:
        BadConfigError: If not 0 <= low < high <= 100.
    """

    def __init__(self, low: float = 1.0, high: float = 99.8) -> None:
        with config_values('PercentileNormalize', low=low, high=high):
            if not 0 <= low < high <= 100:
                raise BadConfigError(
                    f'low={low}, high={high} are not two percentiles: give '
                    '0 <= low < high <= 100'
                )
        self.low = low
        self.high = high

    def transform(self, results: dict) -> dict:
        """Normalise the image.

        Args:
            results (dict): Has ``img``, (H, W) or (H, W, C) of any real
                number type.

        Returns:
            dict: With ``img`` of the same shape, uint8.
        """
        results['img'] = stretch_to_uint8(results['img'], self.low, self.high)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(low={self.low}, high={self.high})'
