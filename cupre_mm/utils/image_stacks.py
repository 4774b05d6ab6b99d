"""Files that hold more than one plane: Z, time, pages, channels.

:func:`open_stack` opens any image file as planes of one layout. tifffile
tells the axes of OME-TIFF, ImageJ hyperstacks and the other dialects; of a
pyramid only the full resolution is used; axes without a name of their own
(tifffile's I, Q, ...) count as pages. A file of an OME set of several files
gives the planes it holds itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from cupre_mm.utils.microscopy_io import is_tiff, read_image, unreadable
from cupre_mm.utils.stack_layout import ImageStack, StackLayout
from cupre_mm.utils.tiff_stacks import (
    TiffStack,
    messages_of_tifffile,
    no_such_series,
)


@contextmanager
def open_stack(path: str | Path, series: int = 0) -> Iterator[ImageStack]:
    """Open an image file as a stack; an ordinary image is one plane.

    Args:
        path (str | Path): A PNG, JPEG, BMP or TIFF file.
        series (int): Which of several images of different shape in one file
            (positions of a stage, an overview, a label). Defaults to 0.

    Yields:
        ImageStack: The open file.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it cannot be read, is cut short, or has no such
            series.
    """
    path = Path(path)
    if not is_tiff(path):
        if series:
            raise unreadable(path, no_such_series(series, 1))
        yield _SingleImage(path)
        return
    with messages_of_tifffile() as notes:
        try:
            # Else each file of an OME set would give the planes of all.
            tiff = tifffile.TiffFile(path, _multifile=False)
        except Exception as error:
            raise unreadable(path, error) from error
        with tiff:
            try:
                stack = TiffStack(path, tiff, series, notes)
            except Exception as error:
                raise unreadable(path, error) from error
            yield stack


class _SingleImage(ImageStack):
    """A PNG, JPEG or BMP, decoded whole."""

    def __init__(self, path: Path) -> None:
        self._image = read_image(path)
        colour = self._image.ndim == 3
        super().__init__(
            path,
            StackLayout(
                axes='YXS' if colour else 'YX',
                shape=self._image.shape,
                dtype=self._image.dtype.name,
                height=self._image.shape[0],
                width=self._image.shape[1],
                colour=colour,
            ),
        )

    def read(
        self, t: int, z: int, page: int, channel: int, rows: slice
    ) -> np.ndarray:
        return (
            self._image[rows, :, :3]
            if self.layout.colour
            else (self._image[rows])
        )
