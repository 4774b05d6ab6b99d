"""What the user may choose about the images that are written."""

import hashlib
from dataclasses import asdict, dataclass, field

from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.plane_selection import SPLIT, PlaneSelection

PERCENTILE, RANGE, NONE = 'percentile', 'range', 'none'
PER_IMAGE, PER_STACK = 'image', 'stack'
# Counted up when the same options begin to give other images.
_VERSION = 1


@dataclass(frozen=True)
class PreparationOptions:
    """How images are made of files.

    Args:
        selection (PlaneSelection): What becomes of stacks. Defaults to one
            image for each plane and channel.
        series (str | int): Image series of a file: ``'split'`` for all, or
            one number. Defaults to 0; the others are counted.
        normalize (str): ``'percentile'``: stretched between two percentiles;
            ``'range'``: between two fixed values; ``'none'``: kept.
            Defaults to ``'percentile'``.
        percentiles (tuple[float, float]): Those that become black and white.
            Defaults to (1.0, 99.8), as ``cupre_mm.PercentileNormalize`` has.
        percentiles_of (str): ``'image'``: each written image its own (tiles
            have those of the image they are of); ``'stack'``: all planes of
            a channel together. Defaults to ``'image'``.
        value_range (tuple[float, float], optional): Values that become black
            and white. Defaults to None.
        bits (int): 8 or 16 bits a channel. Defaults to 8.
        tile_size (int): Side of the tiles of a very large image in pixels;
            0 never tiles. Defaults to 1024.
        tile_above (int): An image with a longer side is tiled, in pixels.
            Defaults to 4096.
        tile_overlap (int): Pixels that neighbouring tiles share at least.
            Defaults to 0.

    Raises:
        BadConfigError: If a value makes no sense.
    """

    selection: PlaneSelection = field(
        default_factory=lambda: PlaneSelection(SPLIT, SPLIT, SPLIT, SPLIT)
    )
    series: str | int = 0
    normalize: str = PERCENTILE
    percentiles: tuple[float, float] = (1.0, 99.8)
    percentiles_of: str = PER_IMAGE
    value_range: tuple[float, float] | None = None
    bits: int = 8
    tile_size: int = 1024
    tile_above: int = 4096
    tile_overlap: int = 0

    def __post_init__(self) -> None:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise BadConfigError(
                f'percentiles {low} {high}: give 0 <= LOW < HIGH <= 100'
            )
        if (self.normalize == RANGE) != (self.value_range is not None):
            raise BadConfigError(
                f'normalize={self.normalize!r} with '
                f'value_range={self.value_range}: a range is given if and '
                'only if images are stretched between fixed values'
            )
        if self.value_range and not self.value_range[0] < self.value_range[1]:
            raise BadConfigError(
                'range {} {}: LOW has to be less than HIGH'.format(
                    *self.value_range
                )
            )
        if self.bits not in (8, 16):
            raise BadConfigError(f'bits={self.bits}: give 8 or 16')
        if self.tile_size < 0 or self.tile_above < 1:
            raise BadConfigError(
                f'tile_size={self.tile_size}, tile_above={self.tile_above}: '
                'give pixels; a tile size of 0 never tiles'
            )
        if self.tile_size and not 0 <= self.tile_overlap < self.tile_size:
            raise BadConfigError(
                f'tile_overlap={self.tile_overlap}: give 0 or more pixels, '
                f'fewer than the tile size of {self.tile_size}'
            )
        if self.series != SPLIT and not (
            isinstance(self.series, int) and self.series >= 0
        ):
            raise BadConfigError(
                f'series={self.series!r}: give {SPLIT!r} or a number from 0'
            )

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits that change with any option."""
        content = canonical_json({**asdict(self), 'version': _VERSION})
        return hashlib.sha256(content).hexdigest()[:16]
