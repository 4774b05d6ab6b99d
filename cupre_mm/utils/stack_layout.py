"""What a file of several planes holds, and how its planes are read."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class StackLayout:
    """What one image series of a file holds.

    Attributes:
        axes (str): The axes as stored, one letter each: T time, Z depth,
            C channel, Y, X, S samples of a pixel; others count as pages.
        shape (tuple[int, ...]): Length of each of ``axes``.
        dtype (str): Number type as stored.
        height (int): In pixels.
        width (int): In pixels.
        colour (bool): Whether a plane is red, green and blue.
        t (int): Number of points in time. Defaults to 1.
        z (int): Number of planes in depth. Defaults to 1.
        page (int): Number of pages. Defaults to 1.
        channel (int): Number of channels. Defaults to 1.
        series (int): Image series in the file, this one included.
            Defaults to 1.
        levels (int): Resolutions of a pyramid. Defaults to 1.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: str
    height: int
    width: int
    colour: bool
    t: int = 1
    z: int = 1
    page: int = 1
    channel: int = 1
    series: int = 1
    levels: int = 1

    def __str__(self) -> str:
        return f'axes {self.axes}, {" x ".join(map(str, self.shape))}'


@dataclass
class ImageStack(ABC):
    """An open file, read plane by plane.

    Attributes:
        path (Path): The file.
        layout (StackLayout): What it holds.
        notes (list[str]): What the decoder found odd, in its words.
        by_rows (bool): Whether rows are read without the rest of their
            plane. Defaults to False.
    """

    path: Path
    layout: StackLayout
    notes: list[str] = field(default_factory=list)
    by_rows: bool = False

    def has(self, t: int, z: int, page: int, channel: int) -> bool:
        """Whether the file holds a plane that its metadata speak of.

        Args:
            t (int): Point in time, from 0 as all of them.
            z (int): Plane in depth.
            page (int): Page.
            channel (int): Channel.

        Returns:
            bool: No for a plane that was never recorded.
        """
        return True

    @abstractmethod
    def read(
        self, t: int, z: int, page: int, channel: int, rows: slice
    ) -> np.ndarray:
        """Read rows of a plane at the depth they were stored with.

        Args:
            t (int): Point in time, from 0 as all of them.
            z (int): Plane in depth.
            page (int): Page.
            channel (int): Channel.
            rows (slice): From the first row to the one after the last.

        Returns:
            np.ndarray: (rows, W), or (rows, W, 3) in the order R, G, B.

        Raises:
            BadDataError: If the plane cannot be decoded.
        """
