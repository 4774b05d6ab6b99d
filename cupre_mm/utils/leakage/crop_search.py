"""Finds images that are cut from one another or overlap.

Every image is reduced to a quarter of its size; the patch of each image that
has the most contrast is looked for in every image of the other set by
normalised cross-correlation. What looks alike is then compared at full size
over all of the overlap.

Measured on BBBC038 and three sources of unlabelled cells: of 140 cuts of
160 x 160 px 138 are found when stored as they were or dimmed, 135 with gamma 2
or as JPEG of quality 75, 132 of quality 30; the others hold one cell, or
little but noise. Of 68 pairs of fields that overlap by 30 % of their width 42
are found: of the others the overlap holds the patch of neither. In the
140,715 pairs of BBBC038 itself there is one overlap, and it is true: two
fields of one smear.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.image_hashes import to_gray
from cupre_mm.utils.leakage.leak_check import LeakPair
from cupre_mm.utils.microscopy_io import read_image
from cupre_mm.utils.resumable import run_resumable

# In pixels: the least that two images have to share to be found.
PATCH_SIDE = 128

_FACTOR = 4
_SMALL_PATCH = PATCH_SIDE // _FACTOR
# Best patches of 7,200 unrelated pairs reach 0.72, those of 160 px cuts, as
# JPEG or with gamma 0.7, at least 0.86.
_CANDIDATE_CORRELATION = 0.75
# Share of an image's greatest variance under which a part is flat: rounding
# errors correlate with anything.
_FLAT = 1e-8
# One bright cell on dark ground looks like any other, and its place is chosen
# for the correlation: without the square in which two images agree the most,
# 96 px wide, the rest has to agree as well. Of true overlaps the rest
# correlates by 0.94 or more, of others by 0.33 at most where the whole
# correlates by 0.6.
_BEST_SQUARE = 96
_REST_CORRELATION = 0.5
# Reducing rounds the place of a patch to whole small pixels.
_SLACK = 2 * _FACTOR
_NOISE_SIGMA, _BACKGROUND_SIGMA = 1.0, 16.0


class _Reduced(NamedTuple):
    path: str
    small: np.ndarray
    # Whether the part at each place, of a patch's size, is flat.
    flat: np.ndarray
    # Top left corner of the patch with the most contrast: x, y; None where
    # the image is too small or of one value.
    corner: tuple[int, int] | None


class _Item(NamedTuple):
    name: str
    fingerprint: str = ''


def find_crops(
    corpus: Sequence[str],
    evaluation: Sequence[str],
    workers: int,
    min_correlation: float,
) -> list[LeakPair]:
    """Compare every image of one set with parts of every one of the other.

    Found are images of the same pixel size that share a part which holds
    the most contrasted 128 x 128 px of one of them: tiles, and fields that
    overlap by enough. Not found are parts that are turned or resized.
    Takes less than a millisecond a pair.

    Args:
        corpus (Sequence[str]): Readable image files that are trained on.
        evaluation (Sequence[str]): Readable image files that are tested on.
        workers (int): Processes.
        min_correlation (float): Least correlation over the common part.

    Returns:
        list[LeakPair]: Pairs of kind ``'crop'``; those that show the same
        whole image are among them.
    """
    files = list(dict.fromkeys(corpus))
    with tempfile.TemporaryDirectory() as scratch:
        records, _ = run_resumable(
            [_Item(path) for path in files],
            partial(_search, min_correlation=min_correlation),
            Path(scratch) / 'crops.jsonl',
            workers,
            context=partial(_reduce_all, tuple(dict.fromkeys(evaluation))),
        )
    return [
        LeakPair(
            corpus=path,
            evaluation=crop['evaluation'],
            kind='crop',
            distance=None,
            correlation=crop['correlation'],
            offset=tuple(crop['offset']),
        )
        for path in files
        for crop in records[path]['crops']
    ]


@contextmanager
def _reduce_all(paths: Sequence[str]) -> Iterator[list[_Reduced]]:
    yield [_reduce(path) for path in paths]


def _reduce(path: str) -> _Reduced:
    gray = _detail(path)
    height, width = (side // _FACTOR for side in gray.shape)
    if min(height, width) < _SMALL_PATCH:
        return _Reduced(path, gray[:0, :0], np.zeros((0, 0), bool), None)
    small = cv2.resize(
        gray[: height * _FACTOR, : width * _FACTOR],
        (width, height),
        interpolation=cv2.INTER_AREA,
    )
    variance = _variances(small, (_SMALL_PATCH, _SMALL_PATCH))
    y, x = np.unravel_index(int(variance.argmax()), variance.shape)
    corner = (int(x), int(y)) if variance[y, x] > 1e-6 else None
    return _Reduced(path, small, _is_flat(variance), corner)


def _detail(path: str) -> np.ndarray:
    """Gray values without noise and background, (H, W), float32."""
    gray = to_gray(read_image(path))
    fine = cv2.GaussianBlur(gray, (0, 0), _NOISE_SIGMA)
    return fine - cv2.GaussianBlur(gray, (0, 0), _BACKGROUND_SIGMA)


# The files of one pair come again right after one another.
_detail_of_candidate = lru_cache(maxsize=4)(_detail)


def _variances(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Variance of every part of that shape, placed as by matchTemplate."""
    height, width = shape
    size, corner = (width, height), (0, 0)
    mean = cv2.boxFilter(image, -1, size, anchor=corner)
    variance = cv2.sqrBoxFilter(image, -1, size, anchor=corner) - mean**2
    rows, columns = image.shape
    return variance[: rows - height + 1, : columns - width + 1]


def _is_flat(variance: np.ndarray) -> np.ndarray:
    return variance <= _FLAT * variance.max()


def _search(
    evaluation: list[_Reduced], item: _Item, min_correlation: float
) -> dict:
    try:
        ours = _reduce(item.name)
    except (BadDataError, MissingDataError):
        return {'crops': []}
    crops = []
    for theirs in evaluation:
        found = [
            {
                'evaluation': theirs.path,
                'correlation': correlation,
                'offset': offset,
            }
            for correlation, offset in (
                _compare(ours.path, theirs.path, rough)
                for rough in _candidate_offsets(ours, theirs)
            )
            if correlation >= min_correlation
        ]
        if found:
            crops.append(max(found, key=itemgetter('correlation')))
    return {'crops': crops}


def _candidate_offsets(
    ours: _Reduced, theirs: _Reduced
) -> Iterator[tuple[int, int]]:
    """Where the other image's corner may lie in ours: x, y in pixels."""
    for image, other, sign in ((ours, theirs, 1), (theirs, ours, -1)):
        if other.corner is None or min(image.small.shape) < _SMALL_PATCH:
            continue
        x, y = other.corner
        place, correlation = _locate(
            image.small,
            other.small[y : y + _SMALL_PATCH, x : x + _SMALL_PATCH],
            image.flat,
        )
        if correlation >= _CANDIDATE_CORRELATION:
            yield (
                sign * (place[0] - x) * _FACTOR,
                sign * (place[1] - y) * _FACTOR,
            )


def _locate(
    image: np.ndarray, template: np.ndarray, flat: np.ndarray
) -> tuple[tuple[int, int], float]:
    scores = cv2.matchTemplate(image, template, cv2.TM_CCOEFF_NORMED)
    scores[flat] = -1
    _, best, _, place = cv2.minMaxLoc(scores)
    return (place[0], place[1]), best


def _compare(
    ours: str, theirs: str, offset: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """Correlation of the common part at full size, and the exact offset.

    The correlation is -1 where the two have one thing alone in common.
    """
    a, b = _detail_of_candidate(ours), _detail_of_candidate(theirs)
    x0, x1 = _overlap(a.shape[1], b.shape[1], offset[0])
    y0, y1 = _overlap(a.shape[0], b.shape[0], offset[1])
    # Rounding may have taken a little of an image of just that size.
    if min(x1 - x0, y1 - y0) < PATCH_SIDE - _SLACK:
        return -1.0, offset
    # A smaller piece is moved over ours, as far as rounding may have erred.
    piece = b[
        y0 - offset[1] + _SLACK : y1 - offset[1] - _SLACK,
        x0 - offset[0] + _SLACK : x1 - offset[0] - _SLACK,
    ]
    common = a[y0:y1, x0:x1]
    flat = _is_flat(_variances(common, piece.shape))
    (x, y), correlation = _locate(common, piece, flat)
    same = common[y : y + piece.shape[0], x : x + piece.shape[1]]
    if _rest_correlation(same, piece) < _REST_CORRELATION:
        correlation = -1.0
    return correlation, (offset[0] + x - _SLACK, offset[1] + y - _SLACK)


def _rest_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation without the square that adds the most to it; 0 if flat."""
    side = (min(_BEST_SQUARE, a.shape[1]), min(_BEST_SQUARE, a.shape[0]))
    shares = cv2.boxFilter(
        (a - a.mean()) * (b - b.mean()),
        -1,
        side,
        borderType=cv2.BORDER_CONSTANT,
    )
    y, x = np.unravel_index(int(shares.argmax()), shares.shape)
    rest = np.ones(a.shape, bool)
    half = _BEST_SQUARE // 2
    rest[max(0, y - half) : y + half, max(0, x - half) : x + half] = False
    if not rest.any() or min(np.ptp(a[rest]), np.ptp(b[rest])) == 0:
        return 0.0
    return float(np.corrcoef(a[rest], b[rest])[0, 1])


def _overlap(ours: int, theirs: int, offset: int) -> tuple[int, int]:
    return max(0, offset), min(ours, offset + theirs)
