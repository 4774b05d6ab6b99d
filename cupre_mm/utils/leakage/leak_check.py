"""Finds images of an evaluation set in a training corpus.

Thresholds are from measurements on 1,691 images: BBBC038, four sources of
unlabelled cells and a part of COCO.

- Of its 1,428,895 pairs of different images, in each of eight orientations,
  the nearest unrelated pair lies 62 bits apart, half of all about 128.
- Copies of 248 of the images differ in at most 38 bits from their original,
  and the details correlate by 0.88 or more. The copies were: JPEG of quality
  75 and 30, half and quarter size, contrast up by a quarter, brightness cut
  to 40 %, gamma 0.5 and 2, percentiles stretched, noise of 5 gray levels,
  gray, the green channel, 2 px cut from each edge.
- Five pairs lay between, at 0 to 38 bits, all of them true: one image stored
  twice, two shots of one field, and cells cut twice from one blood smear.
- Not found for certain: contrast raised by 60 %, which saturates much of a
  bright image (half of such copies are within 24 bits, some beyond 90), and
  histogram equalisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cupre_mm.utils.image_hashes import near_pairs
from cupre_mm.utils.leakage.image_fingerprints import (
    ORIENTATIONS,
    ImageFingerprint,
    turn,
)

MAX_DISTANCE = 48
MIN_CORRELATION = 0.85

# In pixels of the 32 px thumbnail: takes away uneven illumination, which all
# images of one microscope share.
_BACKGROUND_SIGMA = 4.0


@dataclass(frozen=True)
class LeakPair:
    """An image of the corpus that shows what one for evaluation shows.

    Attributes:
        corpus (str): File of the corpus.
        evaluation (str): File of the evaluation set.
        kind (str): ``'exact'``: the same pixel values; ``'perceptual'``: the
            whole image, stored otherwise; ``'crop'``: a part in common.
        distance (int, optional): Bits in which the perceptual hashes differ;
            None for a crop.
        correlation (float): Of the details in common, 1 for equal ones.
        orientation (str): How the evaluation image has to be turned to show
            the corpus image; one of
            :data:`~cupre_mm.utils.leakage.image_fingerprints.ORIENTATIONS`.
        offset (tuple[int, int], optional): For a crop, where the evaluation
            image's top left corner lies in the corpus image: x, y in pixels.
    """

    corpus: str
    evaluation: str
    kind: str
    distance: int | None
    correlation: float
    orientation: str = ORIENTATIONS[0]
    offset: tuple[int, int] | None = None


def find_leaks(
    corpus: Sequence[ImageFingerprint],
    evaluation: Sequence[ImageFingerprint],
    max_distance: int = MAX_DISTANCE,
    min_correlation: float = MIN_CORRELATION,
) -> list[LeakPair]:
    """Compare every image of one set with every image of the other.

    A pair is exact when its pixel digests are equal. It is perceptual when
    the hashes differ in few bits, in one of eight orientations, and the
    details of the thumbnails correlate. Images of one value are only ever
    exact: nothing in them could be recognised.

    Args:
        corpus (Sequence[ImageFingerprint]): Images that are trained on.
        evaluation (Sequence[ImageFingerprint]): Images that are tested on.
        max_distance (int): Most bits, of 256, in which hashes may differ.
            Defaults to 48.
        min_correlation (float): Least correlation of the details. Defaults
            to 0.85.

    Returns:
        list[LeakPair]: One entry a pair of files, exact ones first, then by
        distance.
    """
    if not corpus or not evaluation:
        return []
    found = _exact_pairs(corpus, evaluation)
    ours = np.stack([image.hashes[0] for image in corpus])
    for orientation, name in enumerate(ORIENTATIONS):
        theirs = np.stack([image.hashes[orientation] for image in evaluation])
        for i, j, distance in near_pairs(ours, theirs, max_distance):
            known = found.get((i, j))
            if known and known.distance <= distance:
                continue
            correlation = correlation_of(
                corpus[i].detail, turn(evaluation[j].detail, orientation)
            )
            if correlation >= min_correlation:
                found[i, j] = LeakPair(
                    corpus=corpus[i].path,
                    evaluation=evaluation[j].path,
                    kind='perceptual',
                    distance=distance,
                    correlation=correlation,
                    orientation=name,
                )
    return sorted(
        found.values(),
        key=lambda pair: (
            pair.kind,
            pair.distance,
            pair.corpus,
            pair.evaluation,
        ),
    )


def correlation_of(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of what two thumbnails show besides their background.

    Args:
        a (np.ndarray): (H, W), uint8.
        b (np.ndarray): (H, W), uint8.

    Returns:
        float: From -1 to 1; 0 where one of them is of one value.
    """
    return float((_detail(a) * _detail(b)).sum())


def _detail(small: np.ndarray) -> np.ndarray:
    values = small.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), _BACKGROUND_SIGMA)
    values -= values.mean()
    norm = np.linalg.norm(values)
    # Rounding leaves a little of a constant image.
    return values / norm if norm > 1e-3 else np.zeros_like(values)


def _exact_pairs(
    corpus: Sequence[ImageFingerprint], evaluation: Sequence[ImageFingerprint]
) -> dict[tuple[int, int], LeakPair]:
    by_digest: dict[str, list[int]] = {}
    for i, image in enumerate(corpus):
        by_digest.setdefault(image.digest, []).append(i)
    return {
        (i, j): LeakPair(
            corpus=corpus[i].path,
            evaluation=image.path,
            kind='exact',
            distance=0,
            correlation=1.0,
        )
        for j, image in enumerate(evaluation)
        for i in by_digest.get(image.digest, ())
    }
