"""Strata of images by their size and intensity, for sets without labels.

An image's stratum is

- its size: the edge of a square of its area, to the nearest half octave;
- its ground: dark as in fluorescence, or bright as in transmitted light,
  where the median lies above the middle of the image's own range;
- gray or colour as of stains, by how far its channels lie apart;
- its level: within one size and look the images are cut into up to three
  classes of equal number by mean intensity.

The first three do not depend on the other images. All are relative to the
image's own range or to the rank among its like, so the bit depth does not
matter.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from cupre_mm.utils.errors import MissingDataError
from cupre_mm.utils.microscopy_io import read_image

from .image_attribute import shortened

# As cupre_mm.PercentileNormalize, which is what networks see.
LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.8
# Mean distance of the channels by which an image counts as coloured, as part
# of its range: JPEG's noise on gray images stays well below.
COLOUR = 0.05
# Larger images are looked at on a grid of about this many pixels an edge.
LOOKED_AT_EDGE = 256
MOST_LEVELS = 3
IMAGES_A_LEVEL = 20
DEFINITION = (
    'edge of a square of its area to the nearest half octave; bright if the '
    'median is above the middle of the percentiles 1 and 99.8; colour if the '
    "channels' mean distance is above 0.05 of that range; level by rank of "
    'the mean intensity among its like, up to 3 of at least 20 images'
)


@dataclass(frozen=True)
class Appearance:
    """How an image looks.

    Args:
        edge (int): Edge in px of a square of its area, rounded to half an
            octave: 256, 362, 512, ...
        bright_ground (bool): Whether most of the image is bright.
        coloured (bool): Whether its channels differ.
        level (float): Mean intensity.
    """

    edge: int
    bright_ground: bool
    coloured: bool
    level: float

    @property
    def look(self) -> str:
        """Size, ground and colour in words."""
        ground = 'bright' if self.bright_ground else 'dark'
        return (
            f'{self.edge}px {ground} {"colour" if self.coloured else "gray"}'
        )


def appearance_strata(
    folder: str | Path, file_names: Sequence[str]
) -> dict[str, str]:
    """Read images and give each a stratum.

    Args:
        folder (str | Path): The folder that the names start from.
        file_names (Sequence[str]): Names as in the annotation file.

    Returns:
        dict[str, str]: By file name, such as ``'256px dark gray 1/3'``, the
        last being the level out of the levels of its look.

    Raises:
        MissingDataError: If the folder or images are not there.
        BadDataError: If an image cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingDataError(
            f'the image folder {folder} does not exist; name the one that '
            'the file names of the json start from'
        )
    absent = [name for name in file_names if not (folder / name).is_file()]
    if absent:
        raise MissingDataError(
            f'{len(absent)} of the {len(file_names)} images are not in '
            f'{folder}: {shortened(absent)}; name the folder that the file '
            'names of the json start from'
        )
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name in tqdm(file_names, desc='looking at images', unit='image'):
        seen = appearance(read_image(folder / name))
        found[seen.look].append((seen.level, name))
    strata = {}
    for look, members in found.items():
        levels = min(MOST_LEVELS, max(1, len(members) // IMAGES_A_LEVEL))
        for rank, (_, name) in enumerate(sorted(members)):
            level = rank * levels // len(members) + 1
            strata[name] = f'{look} {level}/{levels}'
    return {name: strata[name] for name in file_names}


def appearance(image: np.ndarray) -> Appearance:
    """Say how an image looks.

    Args:
        image (np.ndarray): (H, W) or (H, W, C) of any real number type; of
            four channels the last is alpha.

    Returns:
        Appearance: Its size, ground, colour and level. A constant image is
        dark and gray.
    """
    height, width = image.shape[:2]
    edge = round(2 ** (round(math.log2(height * width)) / 2))
    step = max(1, edge // LOOKED_AT_EDGE)
    channels = np.atleast_3d(image)[::step, ::step]
    if channels.shape[-1] == 4:
        channels = channels[..., :3]
    # Sums of whole numbers are exact: no machine's order of adding matters.
    if channels.dtype.kind == 'f':
        channels = np.nan_to_num(channels.astype(np.float64))
    else:
        channels = channels.astype(np.int64)
    count = channels.shape[-1]
    gray = channels.sum(axis=-1)
    low, median, high = np.percentile(
        gray, (LOW_PERCENTILE, 50, HIGH_PERCENTILE)
    )
    # Other numbers of channels are stains or filters, not colours.
    apart = np.ptp(channels, axis=-1).mean() if count == 3 else 0
    return Appearance(
        edge=edge,
        bright_ground=bool(median > (low + high) / 2),
        coloured=bool(apart > COLOUR * (high - low) / count),
        level=float(gray.mean()) / count,
    )
