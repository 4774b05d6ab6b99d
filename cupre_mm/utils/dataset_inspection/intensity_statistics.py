"""Intensities of a sample of images, as they are stored."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.microscopy_io import read_image

INTENSITY_PERCENTILES = (0, 1, 50, 99, 99.8, 100)
_MOST_LISTED = 20


def describe_intensities(
    files: Sequence[str | Path], sample: int, seed: int
) -> dict[str, Any]:
    """Read some images and describe their values.

    Args:
        files (Sequence[str | Path]): All images.
        sample (int): How many to read at most, drawn at random.
        seed (int): Seed of the draw.

    Returns:
        dict[str, Any]: 'images', 'sampled', 'unreadable' (messages, the
        first 20) and their number, counts of 'dtypes' and 'channels', and
        for each number type the median, least and greatest over images of
        each percentile; 'images_by_file' has the percentiles of each.
    """
    files = [str(file) for file in files]
    if len(files) > sample:
        generator = np.random.default_rng(seed)
        places = generator.choice(len(files), sample, replace=False)
        chosen = [files[place] for place in sorted(places.tolist())]
    else:
        chosen = files
    problems: list[str] = []
    rows: list[dict[str, Any]] = []
    for file in tqdm(
        chosen, desc='reading images', unit='image', disable=len(chosen) < 50
    ):
        try:
            rows.append(_describe(file))
        except (BadDataError, MissingDataError) as error:
            problems.append(str(error))
    return dict(
        images=len(files),
        sampled=len(chosen),
        unreadable_images=len(problems),
        unreadable=problems[:_MOST_LISTED],
        dtypes=dict(Counter(row['dtype'] for row in rows)),
        channels=dict(Counter(str(row['channels']) for row in rows)),
        by_dtype={
            dtype: _summary([row for row in rows if row['dtype'] == dtype])
            for dtype in sorted({row['dtype'] for row in rows})
        },
        images_by_file=rows,
    )


def _describe(file: str) -> dict[str, Any]:
    image = read_image(file)
    values = image
    if image.dtype.kind == 'f':
        values = image[np.isfinite(image)]
    points = (
        np.percentile(values, INTENSITY_PERCENTILES) if values.size else []
    )
    return dict(
        file=file,
        dtype=str(image.dtype),
        size=list(image.shape[:2]),
        channels=1 if image.ndim == 2 else image.shape[2],
        percentiles=[float(point) for point in points],
    )


def _summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    table = np.array([r['percentiles'] for r in rows if r['percentiles']])
    if not len(table):
        return {}
    return {
        f'p{p}': dict(
            least=float(column.min()),
            median=float(np.median(column)),
            greatest=float(column.max()),
        )
        for p, column in zip(INTENSITY_PERCENTILES, table.T)
    }
