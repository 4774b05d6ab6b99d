"""One image series of a TIFF file, as a stack."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.image_limits import check_pixels
from cupre_mm.utils.microscopy_io import unreadable
from cupre_mm.utils.stack_layout import ImageStack, StackLayout
from cupre_mm.utils.tiff_pages import (
    check_page_is_whole,
    interpret,
    is_colour,
    is_readable_by_rows,
    number_of_dyes,
    read_rows,
)

# Tag 270, ImageDescription, in tifffile's words.
_LOST_DESCRIPTION = re.compile(r'TiffTag 270 .*invalid value offset')


@contextmanager
def messages_of_tifffile() -> Iterator[list[str]]:
    """Collect what tifffile logs instead of raising.

    Yields:
        list[str]: Grows while the context lasts.
    """
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(f'tifffile: {record.getMessage()}')

    collector = Collector(logging.WARNING)
    logger = logging.getLogger('tifffile')
    logger.addHandler(collector)
    try:
        yield messages
    finally:
        logger.removeHandler(collector)


def no_such_series(series: int, count: int) -> BadDataError:
    """Say that a file has fewer image series.

    Args:
        series (int): Asked for.
        count (int): There are.

    Returns:
        BadDataError: To be raised.
    """
    return BadDataError(
        f'series={series}, but the file holds {count} image series, '
        'numbered from 0'
    )


class TiffStack(ImageStack):
    """One series of a TIFF file.

    Args:
        path (Path): The file.
        tiff (tifffile.TiffFile): The same, opened.
        number (int): Which series.
        notes (list[str]): Of :func:`messages_of_tifffile`.

    Raises:
        BadDataError: If there is no such series, or it is damaged.
    """

    def __init__(
        self,
        path: Path,
        tiff: tifffile.TiffFile,
        number: int,
        notes: list[str],
    ) -> None:
        count = len(tiff.series)
        if not 0 <= number < count:
            raise no_such_series(number, count)
        _check_whole(tiff, notes)
        series = tiff.series[number]
        keyframe = series.keyframe
        if 0 in series.shape or series.dtype.kind not in 'uifb':
            raise BadDataError(
                f'not an image of real numbers: shape {series.shape}, dtype '
                f'{series.dtype}'
            )
        self._tiff, self._series = tiff, series
        self._by_page = keyframe.imagedepth == 1 and series.axes.endswith(
            keyframe.axes
        )
        self._stored = keyframe.axes if self._by_page else _own_axes(series)
        colour = is_colour(keyframe)
        self._dyes = number_of_dyes(keyframe)
        if not self._by_page and 'S' not in self._stored:
            self._dyes = 1
        self._axes = self._leading_axes()
        sizes = {'t': 1, 'z': 1, 'page': 1, 'channel': self._dyes}
        for name, size in self._axes:
            sizes[name] *= size
        super().__init__(
            path,
            StackLayout(
                axes=series.axes,
                shape=series.shape,
                dtype=series.dtype.name,
                height=series.shape[self._letters().index('Y')],
                width=series.shape[self._letters().index('X')],
                colour=colour,
                series=count,
                levels=len(series.levels),
                **sizes,
            ),
            notes,
            self._by_page and is_readable_by_rows(keyframe),
        )
        self._cached: tuple[int, np.ndarray] | None = None
        self._whole: np.ndarray | None = None
        self._offset = self._offset_of_bare_planes()

    def _leading_axes(self) -> list[tuple[str, int]]:
        """Each axis that is not a page's own, and its length."""
        names = {'T': 't', 'Z': 'z', 'C': 'channel'}
        return [
            (names.get(letter, 'page'), size)
            for letter, size in zip(self._letters(), self._series.shape)
            if letter not in 'YXS'
        ]

    def _letters(self) -> str:
        """The series' axes, those of a page written as they are stored."""
        axes = self._series.axes
        if self._by_page:
            return axes[: len(axes) - len(self._stored)] + self._stored
        return self._stored

    def _offset_of_bare_planes(self) -> int | None:
        """Where the values of planes start that have no page each."""
        series = self._series
        planes = prod(size for _, size in self._axes)
        if not self._by_page or planes == 1 or series.dataoffset is None:
            return None
        end = series.dataoffset + planes * series.keyframe.nbytes
        if end > self._tiff.filehandle.size:
            raise BadDataError(
                f'cut short: its {planes} planes end at byte '
                f'{end}, the file at {self._tiff.filehandle.size}'
            )
        return series.dataoffset

    def _number(self, t: int, z: int, page: int, channel: int) -> int:
        """Place of a plane in the order of the file."""
        left = {'t': t, 'z': z, 'page': page, 'channel': channel // self._dyes}
        number, step = 0, 1
        for name, size in reversed(self._axes):
            number += left[name] % size * step
            left[name] //= size
            step *= size
        return number

    def has(self, t: int, z: int, page: int, channel: int) -> bool:
        """See :meth:`ImageStack.has`."""
        if not self._by_page or self._offset is not None:
            return True
        return self._series[self._number(t, z, page, channel)] is not None

    def read(
        self, t: int, z: int, page: int, channel: int, rows: slice
    ) -> np.ndarray:
        """See :meth:`ImageStack.read`."""
        number = self._number(t, z, page, channel)
        try:
            if self.by_rows:
                image = self._decode(number, rows.start, rows.stop)
            else:
                # One strip or tile: decoded once for all rows asked of it.
                if self._cached is None or self._cached[0] != number:
                    self._cached = None
                    self._cached = number, self._plane(number)
                image = self._cached[1][:, rows]
            return self._as_seen(image, channel % self._dyes)
        except Exception as error:
            raise unreadable(self.path, error) from error

    def _decode(self, number: int, start: int, stop: int) -> np.ndarray:
        if self._offset is not None:
            offset = self._offset + number * self._series.keyframe.nbytes
            return _samples_first(
                read_rows(self._series.keyframe, start, stop, offset),
                self._series.keyframe,
            )
        page = self._series[number]
        check_page_is_whole(page, self._tiff.filehandle.size)
        return _samples_first(
            read_rows(page, start, stop), self._series.keyframe
        )

    def _plane(self, number: int) -> np.ndarray:
        """A whole plane, (samples, H, W)."""
        if self._by_page:
            return self._decode(number, 0, self.layout.height)
        if self._whole is None:
            axes = self._stored
            check_pixels(self._series.shape)
            check_pixels(self._series.keyframe.chunks)
            whole = self._series.asarray(maxworkers=1)
            order = [i for i, letter in enumerate(axes) if letter not in 'YXS']
            order += [axes.index(a) for a in 'SYX' if a in axes]
            whole = whole.transpose(order)
            samples = -1 if 'S' in axes else 1
            height, width = self.layout.height, self.layout.width
            planes = prod(size for _, size in self._axes)
            self._whole = whole.reshape(planes, samples, height, width)
        return self._whole[number]

    def _as_seen(self, image: np.ndarray, dye: int) -> np.ndarray:
        """From (samples, rows, W) as stored to what is to be looked at."""
        keyframe = self._series.keyframe
        if self.layout.colour and len(image) >= 3:
            image = np.moveaxis(image[:3], 0, -1)
        else:
            image = image[dye]
        image = interpret(image, keyframe)
        return np.ascontiguousarray(image, dtype=image.dtype.newbyteorder('='))


def _own_axes(series: tifffile.TiffPageSeries) -> str:
    """Axes of a series whose pages are not its last axes.

    Metadata may call the samples of a colour page channels.
    """
    axes, samples = series.axes, series.keyframe.samplesperpixel
    if not {'Y', 'X'} <= set(axes):
        raise BadDataError(f'its axes {axes} have no Y and X')
    if (
        is_colour(series.keyframe)
        and 'S' not in axes
        and 'C' in axes
        and series.shape[axes.index('C')] == samples
    ):
        axes = axes.replace('C', 'S')
    return axes


def _samples_first(
    rows: np.ndarray, keyframe: tifffile.TiffPage
) -> np.ndarray:
    if keyframe.shaped[0] > 1:
        return rows
    return np.moveaxis(rows, -1, 0)


def _check_whole(tiff: tifffile.TiffFile, notes: list[str]) -> None:
    """Refuse a file whose list of pages or description breaks off.

    tifffile logs it and goes on with what it found.
    """
    if any(_LOST_DESCRIPTION.search(note) for note in notes):
        raise BadDataError(
            'cut short or damaged: its description, which names the axes, '
            'lies behind its end'
        )
    pages = tiff.pages
    size = tiff.tiff.offsetsize
    end = pages.next_page_offset
    if end is not None:
        tiff.filehandle.seek(end)
        pointer = tiff.filehandle.read(size)
        if pointer != bytes(size):
            raise BadDataError(
                f'cut short or damaged: its list of pages breaks off '
                f'after page {len(pages)}'
            )
    if tiff.is_imagej and tiff.series[0].kind != 'imagej':
        raise BadDataError(
            'cut short or damaged: the planes that its ImageJ '
            'metadata speak of are not in the file'
        )
