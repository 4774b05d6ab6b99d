"""What a user chooses about a segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from cupre_mm.apis.tile_grid import check_tile
from cupre_mm.utils.errors import BadConfigError

_WHOLE_NUMBERS = {
    'tile': 1,
    'overlap': 0,
    'batch_size': 1,
    'min_area': 0,
    'max_area': 1,
}
_NUMBERS = {
    'score_thr': (0, 1),
    'min_visible': (0, 1),
    'scale': (0.01, 64),
    'diameter': (0.1, 100_000),
}


@dataclass(frozen=True)
class SegmentationOptions:
    """What is up to the user.

    Attributes:
        score_thr (float): Least score of a cell. Defaults to 0.5.
        scale (float, optional): Pixels of the network's input to a pixel of
            the image, from 0.01 to 64. Defaults to None: what the config's
            test pipeline does; an image with a side above 1,024 px gets the
            magnification of one of 1,024 px.
        diameter (float, optional): Typical diameter of the cells in the
            image, in pixels: the image is scaled to make them as large as
            those of training, which ``cell_diameter`` of the config tells.
            Defaults to None.
        tile (int): Side of the tiles that a larger image is cut into, at
            most, in pixels of the network's input. Defaults to 1024.
        overlap (int): What neighbouring tiles share at least, in the same
            pixels; more than the largest cell measures. Defaults to 192.
        batch_size (int): Tiles that go through the network at once.
            Defaults to 1.
        min_area (int): Least area of a cell in pixels of the image.
            Defaults to 1.
        max_area (int, optional): Largest area. Defaults to None.
        exclude_border (bool): Whether cells that touch the image's border
            are left out. Defaults to False.
        min_visible (float): Least share of a cell that better-scored ones
            must leave. Defaults to 0.5.
        scale_limits (bool): Whether a tile that is larger than the crops of
            training may have as many more proposals and detections. Without
            it a large tile is done sooner, and faint cells are lost.
            Defaults to True.

    Raises:
        BadConfigError: If a value cannot be used.
    """

    score_thr: float = 0.5
    scale: float | None = None
    diameter: float | None = None
    tile: int = 1024
    overlap: int = 192
    batch_size: int = 1
    min_area: int = 1
    max_area: int | None = None
    exclude_border: bool = False
    min_visible: float = 0.5
    scale_limits: bool = True

    def __post_init__(self) -> None:
        for name, least in _WHOLE_NUMBERS.items():
            value = getattr(self, name)
            if value is None and name == 'max_area':
                continue
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise BadConfigError(f'{name}={value!r} is no whole number')
            if value < least:
                raise BadConfigError(
                    f'{name}={value!r} cannot be used: it is {least} or more'
                )
        for name, (least, most) in _NUMBERS.items():
            value = getattr(self, name)
            if value is None and name in ('scale', 'diameter'):
                continue
            if isinstance(value, bool) or not isinstance(value, Real):
                raise BadConfigError(f'{name}={value!r} is no number')
            if not least <= value <= most:
                raise BadConfigError(
                    f'{name}={value!r} cannot be used: it is between {least} '
                    f'and {most}'
                )
        if self.max_area is not None and self.max_area < self.min_area:
            raise BadConfigError(
                f'max_area={self.max_area} is less than '
                f'min_area={self.min_area}: no cell would be left'
            )
        if self.scale is not None and self.diameter is not None:
            raise BadConfigError(
                f'scale={self.scale} and diameter={self.diameter} are two '
                'answers to one question: give one of them'
            )
        check_tile(self.tile, self.overlap)
