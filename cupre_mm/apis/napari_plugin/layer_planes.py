"""The two-dimensional images that a layer of a viewer consists of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cupre_mm.apis.image_source import ImageSource
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.plane_selection import merge_channels

COLOURS = ('red', 'green', 'blue')

Position = tuple[int, ...]


@dataclass(frozen=True)
class LayerPlanes:
    """A layer's data, seen as planes of height and width.

    Attributes:
        data (Any): The array at full resolution: numpy, dask, zarr or
            another that numpy can read parts of.
        rgb (bool): Whether the last axis of ``data`` is that of the colours.
            It does not count as an axis of the layer.
        channel_axis (int, optional): Axis of the channels in another layer.
            Defaults to None.
        channels (tuple[int, ...], optional): One channel, or two or three
            that become red, green and blue. Defaults to None: the colours as
            they are, the first channel of others.
        name (str): What messages call the layer. Defaults to
            ``'the layer'``.

    Raises:
        BadDataError: If the layer has less than two axes besides that of the
            channels, no pixel, or values that are not intensities.
        BadConfigError: If it has no such axis or channel.
    """

    data: Any
    rgb: bool = False
    channel_axis: int | None = None
    channels: tuple[int, ...] | None = None
    name: str = 'the layer'

    def __post_init__(self) -> None:
        axis = self.channel_axis
        if axis is not None and (self.rgb or not 0 <= axis < len(self.shape)):
            raise BadConfigError(
                f'{self.name} has no axis {axis} of channels; its shape is '
                f'{tuple(self.data.shape)}'
            )
        if self.ndim - (axis is not None) < 2:
            raise BadDataError(
                f'{self.name} has the shape {tuple(self.data.shape)}: an '
                'image has height and width'
            )
        if 0 in self.data.shape:
            raise BadDataError(
                f'{self.name} has the shape {tuple(self.data.shape)}: no pixel'
            )
        if np.dtype(self.data.dtype).kind not in 'buif':
            raise BadDataError(
                f'{self.name} holds values of type {self.data.dtype}, not '
                'intensities'
            )
        chosen = self.channels
        if chosen is not None and not (
            1 <= len(chosen) <= 3
            and all(0 <= one < self.num_channels for one in chosen)
        ):
            raise BadConfigError(
                f'channels={chosen}: {self.name} has {self.num_channels} of '
                'them, numbered from 0, and one, two or three can be used'
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the layer's axes, without that of the colours."""
        shape = tuple(self.data.shape)
        return shape[:-1] if self.rgb else shape

    @property
    def ndim(self) -> int:
        """Number of the layer's axes."""
        return len(self.shape)

    @property
    def num_channels(self) -> int:
        """How many channels there are to choose from."""
        if self.rgb:
            return 3
        return (
            1 if self.channel_axis is None else self.shape[self.channel_axis]
        )

    @property
    def plane_axes(self) -> tuple[int, int]:
        """Axes of height and width: the last two that are left."""
        axes = [a for a in range(self.ndim) if a != self.channel_axis]
        return axes[-2], axes[-1]

    @property
    def stack_axes(self) -> tuple[int, ...]:
        """Axes such as time and depth, along which planes follow."""
        used = {*self.plane_axes, self.channel_axis}
        return tuple(axis for axis in range(self.ndim) if axis not in used)

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of the labels: the axis of channels has one position."""
        return tuple(
            1 if axis == self.channel_axis else length
            for axis, length in enumerate(self.shape)
        )

    def __len__(self) -> int:
        return int(np.prod([self.shape[axis] for axis in self.stack_axes]))

    def positions(self) -> Iterator[Position]:
        """Go through the planes.

        Yields:
            tuple[int, ...]: The place of each along :attr:`stack_axes`.
        """
        yield from np.ndindex(*(self.shape[axis] for axis in self.stack_axes))

    def position_at(self, point: Sequence[float]) -> Position:
        """Find the plane that a point lies in, or the nearest one.

        Args:
            point (Sequence[float]): Data coordinates, one an axis.

        Returns:
            tuple[int, ...]: Its place along :attr:`stack_axes`.
        """
        return tuple(
            int(np.clip(round(point[axis]), 0, self.shape[axis] - 1))
            for axis in self.stack_axes
        )

    def place(self, position: Position) -> tuple[int | slice, ...]:
        """Find a plane in an array of :attr:`label_shape`.

        Args:
            position (tuple[int, ...]): Which plane.

        Returns:
            tuple: An index that gives (H, W).
        """
        index: list[int | slice] = [slice(None)] * self.ndim
        if self.channel_axis is not None:
            index[self.channel_axis] = 0
        for axis, value in zip(self.stack_axes, position):
            index[axis] = value
        return tuple(index)

    def source(self, position: Position) -> LayerPlane:
        """Open a plane.

        Args:
            position (tuple[int, ...]): Which one.

        Returns:
            LayerPlane: Of which nothing was read yet.
        """
        return LayerPlane(self, position)


class LayerPlane(ImageSource):
    """One plane, of which as many rows are read as are asked for.

    Args:
        planes (LayerPlanes): Those of the layer.
        position (tuple[int, ...]): Which one.
    """

    def __init__(self, planes: LayerPlanes, position: Position) -> None:
        height, width = (planes.shape[axis] for axis in planes.plane_axes)
        name = planes.name
        if position:
            name += f' at {", ".join(map(str, position))}'
        super().__init__(name, (height, width))
        self._planes = planes
        self._position = position

    def rows(self, start: int, stop: int) -> np.ndarray:
        """See :meth:`.ImageSource.rows`."""
        planes = self._planes
        index = list(planes.place(self._position))
        index[planes.plane_axes[0]] = slice(start, stop)
        if planes.rgb:
            return self._colours(self._read((*index, slice(0, 3))))
        if planes.channel_axis is None:
            return self._read(index)
        images = []
        for channel in planes.channels or (0,):
            index[planes.channel_axis] = channel
            images.append(self._read(index))
        return merge_channels(images)

    def _colours(self, colours: np.ndarray) -> np.ndarray:
        chosen = self._planes.channels
        if chosen is None:
            return colours
        return merge_channels([colours[..., one] for one in chosen])

    def _read(self, index: Sequence[int | slice]) -> np.ndarray:
        pixels = np.asarray(self._planes.data[tuple(index)])
        return pixels.astype(np.uint8) if pixels.dtype == bool else pixels


def channel_choices(planes: LayerPlanes) -> list[tuple[str, Any]]:
    """List what can be chosen of a layer's channels.

    Args:
        planes (LayerPlanes): The planes; its own choice does not count.

    Returns:
        list[tuple[str, tuple[int, ...] | None]]: A text and the value of
        ``channels`` for it.
    """
    if planes.rgb:
        single = [(f'{name} only', (i,)) for i, name in enumerate(COLOURS)]
        return [('colours as they are', None), *single]
    count = planes.num_channels
    if planes.channel_axis is None:
        return [('the only one', None)]
    choices = [(f'channel {i}', (i,)) for i in range(count)]
    for used in range(2, min(count, 3) + 1):
        numbers = ', '.join(map(str, range(used)))
        text = f'{numbers} as {", ".join(COLOURS[:used])}'
        choices.append((text, tuple(range(used))))
    return choices
