"""Generates annotations of LIVECell's size, of cells that nobody drew."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from tqdm import tqdm

NUM_IMAGES = 5_239
NUM_INSTANCES = 1_690_000
WIDTH, HEIGHT = 704, 520
_CELL_TYPES = ('A172', 'BT474', 'BV2', 'Huh7', 'MCF7', 'SHSY5Y', 'SkBr3')
# Points of an outline, drawn evenly: 28 on average, which gives 571 bytes an
# annotation and a gigabyte in all.
_FEWEST_POINTS, _MOST_POINTS = 14, 42
_RADII = (4.0, 14.0)
_MARGIN = 20.0
# Images of cell cultures differ in density about as widely as this.
_DENSITY_SPREAD = 0.8


def write_livecell_sized(
    path: Path,
    images: Path,
    num_images: int = NUM_IMAGES,
    num_instances: int = NUM_INSTANCES,
    seed: int = 0,
) -> None:
    """Write a COCO json as LIVECell's, and an empty file for each image.

    The same arguments give the same bytes. Outlines have two decimals, the
    images are 704 x 520 px, the cells of an image lie together in the file.

    Args:
        path (Path): The json; its folder has to exist.
        images (Path): Folder for the images' files; made where missing.
        num_images (int): Images. Defaults to 5,239.
        num_instances (int): Cells of all images. Defaults to 1,690,000.
        seed (int): Of all random choices. Defaults to 0.
    """
    counts = _counts(num_images, num_instances, seed)
    entries = []
    for number in range(num_images):
        kind = _CELL_TYPES[number % len(_CELL_TYPES)]
        name = f'{kind}_Phase_{number:05d}_1_02d16h00m_1.tif'
        entries.append(
            {
                'id': number + 1,
                'width': WIDTH,
                'height': HEIGHT,
                'file_name': name,
                'original_filename': name,
            }
        )
    images.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:
        file.write('{"images": ')
        json.dump(entries, file)
        file.write(', "annotations": [')
        _write_annotations(file, counts, seed)
        file.write('], "categories": [{"id": 1, "name": "cell"}]}')
    for entry in entries:
        (images / entry['file_name']).touch()


def _counts(num_images: int, num_instances: int, seed: int) -> np.ndarray:
    """Cells of each image, at least one, of a given sum."""
    random = np.random.default_rng(seed)
    weights = random.lognormal(0.0, _DENSITY_SPREAD, num_images)
    ends = np.cumsum(weights) / weights.sum() * (num_instances - num_images)
    return np.diff(np.rint(ends).astype(int), prepend=0) + 1


def _write_annotations(file: TextIO, counts: np.ndarray, seed: int) -> None:
    first_id = 1
    for number, count in enumerate(tqdm(counts, desc='generated images')):
        texts = _annotation_texts(number + 1, count, first_id, seed)
        file.write(', ' * (number > 0) + ', '.join(texts))
        first_id += int(count)


def _annotation_texts(
    image_id: int, count: int, first_id: int, seed: int
) -> Iterator[str]:
    random = np.random.default_rng((seed, image_id))
    sizes = random.integers(_FEWEST_POINTS, _MOST_POINTS + 1, count)
    centers = _MARGIN + random.random((count, 1, 2)) * (
        WIDTH - 2 * _MARGIN,
        HEIGHT - 2 * _MARGIN,
    )
    angles = np.sort(random.random((count, _MOST_POINTS)) * 2 * np.pi)
    radii = random.uniform(*_RADII, (count, 1)) * random.uniform(
        0.8, 1.2, (count, _MOST_POINTS)
    )
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    points = centers + radii[..., None] * rays  # (N, P, 2)
    points = points.round(2)
    for number, (outline, size) in enumerate(zip(points, sizes)):
        outline = outline[:size]
        corner = outline.min(axis=0)
        x, y, width, height = (
            *corner.tolist(),
            *(outline.max(axis=0) - corner).round(2).tolist(),
        )
        yield json.dumps(
            {
                'segmentation': [outline.ravel().tolist()],
                'area': round(_area(outline), 4),
                'iscrowd': 0,
                'image_id': image_id,
                'bbox': [x, y, width, height],
                'category_id': 1,
                'id': first_id + number,
            }
        )


def _area(outline: np.ndarray) -> float:
    """Area of a polygon, (P, 2), by the shoelace formula."""
    x, y = outline.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
