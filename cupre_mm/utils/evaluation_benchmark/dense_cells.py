"""Generates test sets of LIVECell's size, and what a detector might find.

Cells are ellipses on a grid, so that none overlap and a few thousand fit an
image. Masks are written as run-length codes from the columns of an ellipse:
no array of an image's size is ever made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils
from tqdm import tqdm

NUM_IMAGES = 1_512
NUM_INSTANCES = 460_000
MOST_INSTANCES = 3_000
WIDTH, HEIGHT = 704, 520
CELL_TYPES = ('A172', 'BT474', 'BV2', 'Huh7', 'MCF7', 'SHSY5Y', 'SkBr3')
# Points of an outline: as many as an outline of LIVECell has on average.
_POINTS = 28
# Images of cell cultures differ in density about as widely as this.
_DENSITY_SPREAD = 0.8
_LARGEST_PITCH = 36.0
# Semi-axes in grid pitches; a cell and its shift stay inside its square.
_SEMI_AXES, _SHIFT = (0.27, 0.44), 0.05
_DROPPED = 0.15
# Streams of random numbers: ground truth and predictions of an image.
_TRUTH, _FOUND = 0, 1


@dataclass(frozen=True)
class DenseSet:
    """A generated test set; equal values give equal images.

    Attributes:
        num_images (int): Images. Defaults to 1,512.
        num_instances (int): Cells of all images. Defaults to 460,000.
        most (int): Cells of the fullest image. Defaults to 3,000.
        seed (int): Of all random choices. Defaults to 0.
    """

    num_images: int = NUM_IMAGES
    num_instances: int = NUM_INSTANCES
    most: int = MOST_INSTANCES
    seed: int = 0

    def counts(self) -> np.ndarray:
        """Give the cells of each image.

        Returns:
            np.ndarray: (num_images,), at least 1, at most ``most``, which
            one image reaches where the sum allows it; the sum is
            ``num_instances``.
        """
        random = np.random.default_rng(self.seed)
        weights = random.lognormal(0.0, _DENSITY_SPREAD, self.num_images)
        counts = np.ones(self.num_images, int)
        rest = self.num_instances - self.num_images
        fullest = int(weights.argmax())
        # One image alone must not take what the others need to be typical.
        if 2 * self.most <= self.num_instances:
            counts[fullest] = self.most
            rest -= self.most - 1
        while rest > 0:
            room = counts < self.most
            if not room.any():
                raise ValueError(
                    f'{self.num_instances} cells do not fit '
                    f'{self.num_images} images of at most {self.most}'
                )
            ends = np.cumsum(weights * room)
            added = np.diff(np.rint(ends / ends[-1] * rest), prepend=0)
            added = np.minimum(added.astype(int), self.most - counts)
            counts += added
            rest -= int(added.sum())
        return counts

    def cells(self, index: int, count: int) -> np.ndarray:
        """Place the cells of an image.

        Args:
            index (int): The image.
            count (int): Number of its cells.

        Returns:
            np.ndarray: x, y, semi-axis in x and in y of each cell in px,
            (count, 4). No two overlap.
        """
        random = np.random.default_rng((self.seed, index, _TRUTH))
        corners, pitch = _grid(count)
        chosen = random.permutation(len(corners))[:count]
        shifts = random.uniform(0.5 - _SHIFT, 0.5 + _SHIFT, (count, 2))
        axes = random.uniform(*_SEMI_AXES, (count, 2))
        return np.hstack([corners[chosen] + pitch * shifts, pitch * axes])

    def predictions(
        self, index: int, cells: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give what a detector might find: as many objects as there are.

        Most cells are found, moved and resized a little; 15 % are missed
        and as many false ones stand somewhere. The better an outline fits,
        the higher its score is on average; false ones score low.

        Args:
            index (int): The image.
            cells (np.ndarray): Its cells, see :meth:`cells`.

        Returns:
            tuple[np.ndarray, np.ndarray]: Cells (N, 4) and scores (N,).
        """
        random = np.random.default_rng((self.seed, index, _FOUND))
        count = len(cells)
        kept = random.random(count) >= _DROPPED
        found = cells.copy()
        sloppiness = random.beta(2, 4, (count, 1))
        moves = random.normal(0, 0.3, (count, 2)) * sloppiness
        found[:, :2] += moves * found[:, 2:]
        resizing = random.normal(0, 0.35, (count, 2)) * sloppiness
        found[:, 2:] *= np.exp(resizing)
        scores = np.clip(
            1 - sloppiness[:, 0] + random.normal(0, 0.15, count), 0.05, 1
        )
        false = ~kept
        places = random.uniform(0, (WIDTH - 1, HEIGHT - 1), (count, 2))
        found[false, :2] = places[false]
        scores[false] = random.beta(2, 5, count)[false]
        found[:, 0] = found[:, 0].clip(0, WIDTH - 1)
        found[:, 1] = found[:, 1].clip(0, HEIGHT - 1)
        return found, scores.astype(np.float32)


def ellipse_rles(cells: np.ndarray) -> list[dict[str, Any]]:
    """Encode ellipses without drawing them.

    A pixel belongs to an ellipse if its centre lies inside; the pixel
    nearest to the ellipse's centre always does.

    Args:
        cells (np.ndarray): x, y, semi-axis in x and in y in px, (N, 4).

    Returns:
        list[dict]: Run-length codes of masks of 520 x 704 px.
    """
    if len(cells) == 0:
        return []
    x, y, a, b = np.asarray(cells, float).T
    widest = int(np.ceil(2 * a.max())) + 2
    first = np.ceil(x - a).astype(int)
    columns = first[:, None] + np.arange(widest)  # (N, C)
    inside = 1 - ((columns - x[:, None]) / a[:, None]) ** 2
    half = b[:, None] * np.sqrt(np.maximum(inside, 0))
    tops = np.maximum(np.ceil(y[:, None] - half), 0).astype(int)
    ends = np.minimum(np.floor(y[:, None] + half), HEIGHT - 1).astype(int) + 1
    valid = (inside >= 0) & (columns >= 0) & (columns < WIDTH) & (ends > tops)
    starts = columns * HEIGHT + tops
    stops = columns * HEIGHT + ends
    codes = []
    for i in range(len(x)):
        edges = np.stack([starts[i, valid[i]], stops[i, valid[i]]], axis=1)
        if len(edges) == 0:
            pixel = round(x[i]) * HEIGHT + round(y[i])
            edges = np.array([[pixel, pixel + 1]])
        runs = np.diff(edges.ravel(), prepend=0, append=WIDTH * HEIGHT)
        codes.append({'size': [HEIGHT, WIDTH], 'counts': runs.tolist()})
    # Runs of length 0, where a column goes on in the next, are allowed.
    return mask_utils.frPyObjects(codes, HEIGHT, WIDTH)


def boxes_of(rles: list[dict[str, Any]]) -> np.ndarray:
    """Give the boxes of masks.

    Args:
        rles (list[dict]): Run-length codes.

    Returns:
        np.ndarray: x1, y1, x2, y2 in px, (N, 4), float32.
    """
    boxes = mask_utils.toBbox(rles).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes.astype(np.float32)


def write_ground_truth(
    path: Path, generated: DenseSet, indices: Sequence[int] | None = None
) -> int:
    """Write a COCO json with polygons, as LIVECell's.

    Args:
        path (Path): The json; its folder has to exist.
        generated (DenseSet): What is generated.
        indices (Sequence[int], optional): The images to write, whose ids are
            their index plus 1. Defaults to None: all.

    Returns:
        int: The number of annotations.
    """
    counts = generated.counts()
    indices = range(len(counts)) if indices is None else indices
    images = [
        {
            'id': index + 1,
            'width': WIDTH,
            'height': HEIGHT,
            'file_name': f'{CELL_TYPES[index % len(CELL_TYPES)]}_Phase_'
            f'{index:05d}_1_02d16h00m_1.tif',
        }
        for index in indices
    ]
    first_id = 1
    with path.open('w') as file:
        file.write(f'{{"images": {json.dumps(images)}, "annotations": [')
        for index in tqdm(indices, desc='ground truth', unit='image'):
            count = int(counts[index])
            annotations = _annotations(generated, index, count, first_id)
            text = json.dumps(annotations, separators=(',', ':'))
            file.write(', ' * (first_id > 1) + text[1:-1])
            first_id += count
        file.write('], "categories": [{"id": 1, "name": "cell"}]}')
    return first_id - 1


def _annotations(
    generated: DenseSet, index: int, count: int, first_id: int
) -> list[dict[str, Any]]:
    cells = generated.cells(index, count)
    angles = np.arange(_POINTS) * 2 * np.pi / _POINTS
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    # A pixel's centre lies half a pixel into it.
    points = cells[:, None, :2] + 0.5 + cells[:, None, 2:] * circle
    points = points.round(2)  # (N, P, 2)
    corners = points.min(axis=1)
    sides = (points.max(axis=1) - corners).round(2)
    crosses = points[..., 0] * np.roll(points[..., 1], -1, axis=1)
    crosses -= points[..., 1] * np.roll(points[..., 0], -1, axis=1)
    areas = 0.5 * np.abs(crosses.sum(axis=1))
    return [
        {
            'segmentation': [outline],
            'area': round(area, 4),
            'iscrowd': 0,
            'image_id': index + 1,
            'bbox': [*corner, *side],
            'category_id': 1,
            'id': first_id + number,
        }
        for number, (outline, area, corner, side) in enumerate(
            zip(
                points.reshape(count, -1).tolist(),
                areas.tolist(),
                corners.tolist(),
                sides.tolist(),
            )
        )
    ]


def _grid(count: int) -> tuple[np.ndarray, float]:
    """Corners (N, 2) of at least ``count`` squares, and their side."""
    pitch = min(np.sqrt(WIDTH * HEIGHT / count), _LARGEST_PITCH)
    while int(WIDTH // pitch) * int(HEIGHT // pitch) < count:
        pitch *= 0.995
    columns = np.arange(WIDTH // pitch) * pitch
    rows = np.arange(HEIGHT // pitch) * pitch
    return np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2), pitch
