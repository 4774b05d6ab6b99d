"""Regions that ImageJ's ROI manager saved, as pixels."""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
from roifile import ROI_TYPE, ImagejRoi
from skimage.draw import polygon

from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.object_rules import ObjectMask, cut_out

_AREAS = frozenset(
    {
        ROI_TYPE.POLYGON,
        ROI_TYPE.RECT,
        ROI_TYPE.OVAL,
        ROI_TYPE.FREEHAND,
        ROI_TYPE.TRACED,
    }
)
# A region takes some hundred bytes; this bounds what a zip unpacks to.
_LARGEST_REGION = 1 << 24


def read_regions(content: bytes, name: str) -> list[tuple[str, ImagejRoi]]:
    """Read a ``.zip`` of regions or a single ``.roi``.

    Args:
        content (bytes): The file.
        name (str): Its name, which tells the two apart.

    Returns:
        list[tuple[str, ImagejRoi]]: Name and region, in the order of the
        file.

    Raises:
        BadDataError: If it is damaged or holds no region.
    """
    try:
        if not name.lower().endswith('.zip'):
            return [(name.rsplit('/', 1)[-1], ImagejRoi.frombytes(content))]
        regions = []
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if not entry.filename.lower().endswith('.roi'):
                    continue
                if entry.file_size > _LARGEST_REGION:
                    raise BadDataError(
                        f'{entry.filename} has {entry.file_size} bytes, '
                        'which no region of a cell has'
                    )
                roi = ImagejRoi.frombytes(archive.read(entry))
                regions.append((entry.filename, roi))
    except BadDataError:
        raise
    # Damaged bytes raise whatever roifile's parser trips on.
    except Exception as error:
        raise BadDataError(
            f'no file of the ROI manager ({type(error).__name__}: {error})'
        ) from error
    if not regions:
        raise BadDataError('holds no .roi')
    return regions


def is_area(roi: ImagejRoi) -> bool:
    """Whether a region encloses pixels, as a line or a point does not.

    Args:
        roi (ImagejRoi): The region.
    """
    return roi.roitype in _AREAS


def is_on_first_plane(roi: ImagejRoi) -> bool:
    """Whether a region was not drawn on a later plane of a stack.

    Args:
        roi (ImagejRoi): The region; of a plain image it names no plane.
    """
    return max(roi.position, roi.z_position, roi.t_position) <= 1


def pixels_of(roi: ImagejRoi, height: int, width: int) -> ObjectMask | None:
    """Fill a region, as ImageJ does: the pixels whose centres are in it.

    Args:
        roi (ImagejRoi): A region that :func:`is_area`.
        height (int): Of the image, in pixels.
        width (int): Of the image, in pixels.

    Returns:
        ObjectMask | None: The pixels within the image, rings counted by the
        even-odd rule; None if there are none.
    """
    rings = [
        np.asarray(ring, np.float64)[:, ::-1] - 0.5
        for ring in roi.coordinates(multi=True)
        if len(ring) > 2
    ]
    if not rings:
        return None
    low = np.floor(np.min([ring.min(axis=0) for ring in rings], axis=0))
    high = np.ceil(np.max([ring.max(axis=0) for ring in rings], axis=0)) + 1
    # Plain numbers, as they end up in json.
    top, left = map(int, np.clip(low, 0, (height, width)))
    bottom, right = map(int, np.clip(high, 0, (height, width)))
    inside = np.zeros((bottom - top, right - left), bool)
    if not inside.size:
        return None
    for rows, columns in _fill(rings, top, left, inside.shape):
        inside[rows, columns] ^= True
    return cut_out(inside, top, left) if inside.any() else None


def _fill(
    rings: list[np.ndarray], top: int, left: int, shape: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for ring in rings:
        yield polygon(ring[:, 0] - top, ring[:, 1] - left, shape)
