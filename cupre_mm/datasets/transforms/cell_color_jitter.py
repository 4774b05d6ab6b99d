"""Colour jitter that leaves gray images gray."""

import warnings
from collections.abc import Sequence

import numpy as np
from mmpretrain.datasets.transforms import ColorJitter

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.argument_checks import config_values

_BACKENDS = ('pillow', 'cv2')


@TRANSFORMS.register_module()
class CellColorJitter(ColorJitter):
    """mmpretrain's ``ColorJitter``, without hue and saturation on gray.

    A fluorescence or phase-contrast image has three equal channels and no
    hue that could be turned; only its brightness and contrast are jittered.
    Stained images are jittered in all four.

    Required Keys:

    - img

    Modified Keys:

    - img

    Args:
        brightness (float | Sequence[float]): Strength or range, as for all
            four in :class:`mmpretrain.datasets.transforms.ColorJitter`.
            Defaults to 0.
        contrast (float | Sequence[float]): Defaults to 0.
        saturation (float | Sequence[float]): Defaults to 0.
        hue (float | Sequence[float]): Defaults to 0.
        backend (str): What computes it. Defaults to 'pillow'.

    Raises:
        BadConfigError: If a value is none of these.
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0.0,
        contrast: float | Sequence[float] = 0.0,
        saturation: float | Sequence[float] = 0.0,
        hue: float | Sequence[float] = 0.0,
        backend: str = 'pillow',
    ) -> None:
        with config_values(
            'CellColorJitter',
            brightness=brightness,
            contrast=contrast,
            saturation=saturation,
            hue=hue,
            backend=backend,
        ):
            super().__init__(brightness, contrast, saturation, hue, backend)
            self._gray_jitter = ColorJitter(
                brightness, contrast, backend=backend
            )
            for name in ('brightness', 'contrast', 'saturation', 'hue'):
                _check_range(getattr(self, name))
            if backend not in _BACKENDS:
                raise ValueError(f'backend is one of {_BACKENDS}')

    def transform(self, results: dict) -> dict:
        """Jitter the image.

        Args:
            results (dict): Has ``img``, (H, W, 3), uint8.

        Returns:
            dict: With ``img`` of the same shape.
        """
        if is_gray(results['img']):
            return self._gray_jitter.transform(results)
        with warnings.catch_warnings():
            # mmcv warns at every use of the backend that is asked for here.
            warnings.filterwarnings('ignore', "Only use 'alpha' for pillow")
            return super().transform(results)


def _check_range(ends: Sequence[float] | None) -> None:
    if ends is not None and not np.isfinite(ends).all():
        raise ValueError(f'a range from {ends[0]} to {ends[1]}')


def is_gray(image: np.ndarray) -> bool:
    """Whether all channels of an image are equal.

    Args:
        image (np.ndarray): (H, W, C).

    Returns:
        bool: True for gray, exactly: no tolerance.
    """
    return bool((image == image[..., :1]).all())
