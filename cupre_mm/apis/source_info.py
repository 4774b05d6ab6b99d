"""What outputs need to know of the image that was segmented."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import tifffile

from cupre_mm.apis.image_source import ArrayImage, FileImage, ImageSource
from cupre_mm.utils.image_stacks import open_stack
from cupre_mm.utils.microscopy_io import is_tiff, unreadable
from cupre_mm.utils.pixel_size import read_pixel_size
from cupre_mm.utils.plane_selection import (
    PlaneSelection,
    PlannedImage,
    plan_images,
)
from cupre_mm.utils.tiff_stacks import messages_of_tifffile

RGB_CHANNELS = ('red', 'green', 'blue')


@dataclass(frozen=True)
class SourceInfo:
    """One image, and the file it is of.

    Attributes:
        path (Path, optional): The file; None for an image in memory.
            Defaults to None.
        suffix (str): What tells the image from others of its file, such as
            ``'_z003'`` or ``'_s1_z003'``. Defaults to ``''``.
        pixel_size (tuple[float, float], optional): Height and width of a
            pixel in µm. Defaults to None: not known.
        axes (str): The axes of the file, one letter each, as tifffile names
            them. Defaults to ``'YX'``.
        channels (tuple[str, ...]): Names of the image's channels; ``''``
            where there is but one. Defaults to ``('',)``.
        planned (PlannedImage, optional): What the image is made of, where it
            is one of a file. Defaults to None.
        series (int): Its image series in the file. Defaults to 0.
        pixels (np.ndarray, optional): The image, (H, W) or (H, W, 3), where
            it is in memory. Defaults to None: it is read from the file.
    """

    path: Path | None = None
    suffix: str = ''
    pixel_size: tuple[float, float] | None = None
    axes: str = 'YX'
    channels: tuple[str, ...] = ('',)
    planned: PlannedImage | None = None
    series: int = 0
    pixels: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What outputs call the image: the file's name and the suffix."""
        return (self.path.name if self.path else 'image') + self.suffix

    @property
    def has_pixels(self) -> bool:
        """Whether the image can be looked at."""
        return self.pixels is not None or self.planned is not None

    @cached_property
    def intensity_channels(self) -> tuple[str, ...]:
        """Names of what intensities are measured in.

        They are :attr:`channels`, but ``('',)`` for a gray image that is
        stored as RGB: one whose colours are equal in every pixel. An image
        in a file is read, strip by strip, until a colour is met.
        """
        if self.channels == RGB_CHANNELS and self.has_pixels:
            with self.open_image() as image:
                if image.is_gray():
                    return ('',)
        return self.channels

    @contextmanager
    def open_image(self) -> Iterator[ImageSource]:
        """Open the image, to read rows of it.

        Yields:
            ImageSource: The image.

        Raises:
            MissingDataError: If the file is gone.
            BadDataError: If it cannot be read.
        """
        if self.pixels is not None:
            yield ArrayImage(self.pixels, self.name)
            return
        with open_stack(self.path, self.series) as stack:
            yield FileImage(stack, self.planned)


def read_source_info(
    path: str | Path,
    planned: PlannedImage | None = None,
    series: int = 0,
    pixels: np.ndarray | None = None,
    suffix: str | None = None,
) -> SourceInfo:
    """Look up what a file tells of an image.

    Args:
        path (str | Path): A PNG, JPEG, BMP or TIFF file.
        planned (PlannedImage, optional): Which image of it. Defaults to
            None: its only one.
        series (int): Which image series. Defaults to 0.
        pixels (np.ndarray, optional): The image, where it is already in
            memory, so that it is not read again. Defaults to None.
        suffix (str, optional): What tells the image from others of its
            file. Defaults to None: that of ``planned``, and ``'_s1'`` and
            so on before it where the series is not the first.

    Returns:
        SourceInfo: What outputs need.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it cannot be read, or is a stack and ``planned`` is
            not given.
    """
    path = Path(path)
    with open_stack(path, series) as stack:
        layout = stack.layout
        if planned is None:
            (planned,) = plan_images(layout, PlaneSelection())
    if suffix is None:
        suffix = (f'_s{series}' if series else '') + planned.suffix
    channels: tuple[str, ...] = ('',)
    if len(planned.channels) > 1:
        channels = tuple(f'c{number}' for number in planned.channels)
    elif layout.colour:
        channels = RGB_CHANNELS
    return SourceInfo(
        path=path,
        suffix=suffix,
        pixel_size=_pixel_size(path, series),
        axes=layout.axes,
        channels=channels,
        planned=planned,
        series=series,
        pixels=pixels,
    )


def array_source_info(
    image: np.ndarray, pixel_size: tuple[float, float] | None = None
) -> SourceInfo:
    """Describe an image in memory.

    Args:
        image (np.ndarray): (H, W), (H, W, 3) or (H, W, 4).
        pixel_size (tuple[float, float], optional): Height and width of a
            pixel in µm. Defaults to None.

    Returns:
        SourceInfo: What outputs need.
    """
    colour = image.ndim == 3 and image.shape[-1] > 1
    return SourceInfo(
        pixel_size=pixel_size,
        axes='YXS' if image.ndim == 3 else 'YX',
        channels=RGB_CHANNELS if colour else ('',),
        pixels=image,
    )


def _pixel_size(path: Path, series: int) -> tuple[float, float] | None:
    if not is_tiff(path):
        return None
    with messages_of_tifffile():
        try:
            with tifffile.TiffFile(path, _multifile=False) as tiff:
                return read_pixel_size(tiff, series)
        except Exception as error:
            raise unreadable(path, error) from error
