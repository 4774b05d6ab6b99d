"""From pixels of an image to what the network was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import Compose
from mmengine.config import Config

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.intensity_scale import IntensityLimits, scale_between

_LOADERS = ('LoadCellImage', 'LoadImageFromFile', 'LoadImageFromNDArray')
_NORMALIZE = 'PercentileNormalize'
_RESIZES = ('Resize', 'FixScaleResize')
# An image larger than this is given the magnification of one of this side:
# a pipeline that shrinks whole images to one size would make its cells
# smaller than any that the network has seen.
_LARGEST_SIDE = 1024
_DIAMETER_KEY = 'cell_diameter'


class NetworkInput:
    """The test pipeline of a config, taken apart for tiles.

    Percentiles are those of the whole image, and the magnification is one
    for all of its tiles; so loading, ``PercentileNormalize`` and ``Resize``
    are done here, and what else the pipeline has is applied to each tile.

    Args:
        config (Config): Config of the detector.

    Attributes:
        config (Config): The same.

    Raises:
        BadConfigError: If it has no test pipeline, or one that resizes in a
            way that tiles cannot follow.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._percentiles: tuple[float, float] | None = None
        self._resize: Mapping[str, Any] = {}
        rest = []
        for step in _test_pipeline(config):
            kind = str(step.get('type')).rpartition('.')[2]
            if kind == _NORMALIZE:
                built = TRANSFORMS.build(dict(step))
                self._percentiles = built.low, built.high
            elif kind in _RESIZES:
                self._resize = step
            elif kind.endswith('Resize') or kind == 'MultiScaleFlipAug':
                raise BadConfigError(
                    f'the test pipeline has a {kind}, which gives no one '
                    "magnification: use type='Resize'"
                )
            elif kind not in _LOADERS and not kind.startswith('LoadAnno'):
                rest.append(step)
        self._rest = Compose(rest)

    def limits(self, source: Any) -> IntensityLimits | None:
        """Find what becomes black and white in an image.

        Args:
            source (ImageSource): The image.

        Returns:
            IntensityLimits: None where the config does not normalise.
        """
        if self._percentiles is None:
            return None
        return source.limits(*self._percentiles)

    def factor(
        self,
        shape: tuple[int, int],
        scale: float | None = None,
        diameter: float | None = None,
    ) -> float:
        """Find the magnification of an image.

        Args:
            shape (tuple[int, int]): Height and width. Of an image with a
                side above 1,024 px a part of 1,024 px counts.
            scale (float, optional): What the user wants. Defaults to None.
            diameter (float, optional): Or the diameter of the cells in
                pixels. Defaults to None: what the pipeline does.

        Returns:
            float: Pixels of the network's input to a pixel of the image.

        Raises:
            BadConfigError: If a diameter is given and the config does not
                tell that of training, or if the pipeline stretches images.
        """
        if scale is not None:
            return scale
        if diameter is not None:
            return self._trained_diameter(diameter) / diameter
        return self._of_pipeline(shape)

    def _trained_diameter(self, diameter: float) -> float:
        trained = self.config.get(_DIAMETER_KEY)
        if not isinstance(trained, (int, float)) or not trained > 0:
            raise BadConfigError(
                f'diameter={diameter}: {_DIAMETER_KEY}={trained!r} of the '
                f'config does not tell the diameter of training; add '
                f"{_DIAMETER_KEY}=PX to it, in pixels of the network's input "
                '(tools/analysis/dataset_stats.py measures it), or give a '
                'scale'
            )
        return float(trained)

    def _of_pipeline(self, shape: tuple[int, int]) -> float:
        scale = self._resize.get('scale')
        if scale is None:
            given = self._resize.get('scale_factor') or 1.0
            if isinstance(given, Sequence):
                if len(set(given)) > 1:
                    raise BadConfigError(
                        f'scale_factor={tuple(given)} of the test pipeline '
                        'stretches images: give one number'
                    )
                given = given[0]
            return float(given)
        if not self._resize.get('keep_ratio', False):
            raise BadConfigError(
                f'Resize(scale={scale}) of the test pipeline stretches '
                'images: set keep_ratio=True'
            )
        height, width = (min(side, _LARGEST_SIDE) for side in shape)
        target = tuple(scale) if isinstance(scale, Sequence) else scale
        _, factor = mmcv.rescale_size(
            (width, height), target, return_scale=True
        )
        return float(factor)

    def prepare(
        self, pixels: np.ndarray, limits: IntensityLimits | None, factor: float
    ) -> dict[str, Any]:
        """Make the input of one tile.

        Args:
            pixels (np.ndarray): (H, W) or (H, W, 3) in the order R, G, B.
            limits (IntensityLimits, optional): Of :meth:`limits`.
            factor (float): Pixels of the network's input to a pixel.

        Returns:
            dict: ``inputs`` and ``data_samples`` as a data set gives them.

        Raises:
            BadDataError: If the image is not of 8 bits and the config does
                not normalise.
        """
        if limits is not None:
            pixels = scale_between(pixels, limits, bits=8)
        elif pixels.dtype != np.uint8:
            raise BadDataError(
                f'values of type {pixels.dtype} need a test pipeline with '
                'cupre_mm.PercentileNormalize; this config has none'
            )
        bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels[..., None]
        bgr = np.ascontiguousarray(np.broadcast_to(bgr, (*bgr.shape[:2], 3)))
        height, width = pixels.shape[:2]
        size = (
            max(1, int(width * factor + 0.5)),
            max(1, int(height * factor + 0.5)),
        )
        if size != (width, height):
            bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_LINEAR)
        return self._rest(
            dict(
                img=bgr,
                img_id=0,
                img_path='',
                img_shape=bgr.shape[:2],
                ori_shape=(height, width),
                scale_factor=(size[0] / width, size[1] / height),
            )
        )


def _test_pipeline(config: Config) -> Sequence[Mapping[str, Any]]:
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    pipeline = config.get('test_pipeline')
    if loader is not None:
        dataset = loader['dataset']
        while 'pipeline' not in dataset and 'dataset' in dataset:
            dataset = dataset['dataset']
        pipeline = dataset.get('pipeline', pipeline)
    if not pipeline:
        raise BadConfigError(
            f'{config.filename or "the config"} has no test_dataloader with '
            'a pipeline, which tells how images are prepared'
        )
    return pipeline
