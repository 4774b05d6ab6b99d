"""Loads a microscope image without losing bit depth."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from cupre_mm.registry import TRANSFORMS
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.microscopy_io import to_three_channels
from cupre_mm.utils.plane_selection import SPLIT, PlaneSelection, read_one


@TRANSFORMS.register_module()
class LoadCellImage(BaseTransform):
    """Load PNG, JPEG, BMP or TIFF, gray, RGB or RGBA, 8 bits or more.

    The image is (H, W, 3) in BGR order, as mmcv's and mmdet's transforms
    expect, of the number type it was stored with: let
    :class:`~.percentile_normalize.PercentileNormalize` follow before
    anything that needs 8 bits. A file that cannot be read is an error, not
    another image drawn in its stead.

    A file that holds a stack is an error too, unless the arguments say which
    plane is wanted or how to project: no plane is taken for the user. They
    mean what they do in ``tools/dataset_converters/prepare_cells.py``, which
    can also split a stack into images beforehand; that saves decoding it
    whenever one is drawn.

    Required Keys:

    - img_path

    Added Keys:

    - img
    - img_shape
    - ori_shape

    Args:
        t (str | int, optional): Of several points in time ``'max'``,
            ``'mean'``, ``'middle'`` or one number from 0. Defaults to None:
            more than one is an error.
        z (str | int, optional): The same of planes in depth. Defaults to
            None.
        page (str | int, optional): The same of pages of a TIFF that does
            not say what they are. Defaults to None.
        channel (int | Sequence[int], optional): One channel from 0, or two
            or three that become red, green and blue, their values
            untouched: PercentileNormalize then stretches them jointly.
            Defaults to None: more than one is an error. The colours of a
            photograph are not channels.
        series (int): Which of several images of different shape in one
            TIFF. Defaults to 0.

    Raises:
        BadConfigError: If an argument is none of these.
        MissingDataError: If the file is not there.
        BadDataError: If the file cannot be decoded, or is a stack and
            nothing is chosen.
    """

    def __init__(
        self,
        t: str | int | None = None,
        z: str | int | None = None,
        page: str | int | None = None,
        channel: int | Sequence[int] | None = None,
        series: int = 0,
    ) -> None:
        choices = dict(t=t, z=z, page=page, channel=channel)
        for name, value in choices.items():
            if value == SPLIT:
                raise BadConfigError(
                    f"LoadCellImage({name}='split') would make several "
                    'images of a file: choose one, or split the files with '
                    'tools/dataset_converters/prepare_cells.py'
                )
        if not isinstance(series, int) or series < 0:
            raise BadConfigError(f'series={series!r}: give a number from 0')
        self.selection = PlaneSelection(**choices)
        self.series = series

    def transform(self, results: dict) -> dict:
        """Load the image.

        Args:
            results (dict): Has ``img_path``.

        Returns:
            dict: With ``img`` (H, W, 3), ``img_shape`` and ``ori_shape``
            (H, W).
        """
        with open_stack(results['img_path'], self.series) as stack:
            image = read_one(stack, self.selection)
        bgr = to_three_channels(image)
        if image.ndim == 3:
            bgr = np.ascontiguousarray(bgr[..., ::-1])
        results['img'] = bgr
        results['img_shape'] = image.shape[:2]
        results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        choices = dict(vars(self.selection), series=self.series)
        given = ', '.join(
            f'{name}={value!r}'
            for name, value in choices.items()
            if value not in (None, 0) or (value == 0 and name != 'series')
        )
        return f'{type(self).__name__}({given})'
