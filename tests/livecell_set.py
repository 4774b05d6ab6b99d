"""A small LIVECell in exactly the layout that it is downloaded in."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

TYPES = ('A172', 'BT474', 'BV2', 'Huh7', 'MCF7', 'SHSY5Y', 'SkBr3', 'SKOV3')
OFFICIAL = {
    2: '0_train2percent.json',
    4: '1_train4percent.json',
    5: '2_train5percent.json',
    25: '3_train25percent.json',
    50: '4_train50percent.json',
}


@dataclass
class LivecellSet:
    """What was written.

    Attributes:
        root (Path): The folder.
        names (dict[str, list[str]]): File names of the images by part.
        cells (dict[str, int]): Number of cells by file name.
        polygons (dict[str, list]): Polygons by file name.
        official (dict[int, list[str]]): Images of the official splits.
    """

    root: Path
    names: dict[str, list[str]] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    polygons: dict[str, list[list[float]]] = field(default_factory=dict)
    official: dict[int, list[str]] = field(default_factory=dict)

    def image(self, name: str) -> Path:
        """Where an image lies."""
        return next((self.root / 'images').rglob(name))

    @property
    def folder(self) -> Path:
        """The folder of the annotation files of all cell types."""
        return self.root / 'annotations' / 'LIVECell'


def write_livecell_set(
    root: Path,
    per_type: int = 4,
    size: tuple[int, int] = (52, 70),
    nested: bool = True,
    single: bool = False,
    official: Iterable[int] = tuple(OFFICIAL),
) -> LivecellSet:
    """Write images and annotation files.

    The files of all cell types have lists and whole numbers as ids, the
    official splits other ids for the same images, and the files of one cell
    type annotations keyed by id, as LIVECell's have.

    Args:
        root: The folder to write.
        per_type: Training images of each cell type; val and test have one.
        size: Height and width of the images in pixels.
        nested: Whether images lie in a folder of their cell type.
        single: Whether the files of one cell type each are written in place
            of those of all.
        official: Percents of the official splits to write.

    Returns:
        What was written.
    """
    made = LivecellSet(root)
    rng = np.random.default_rng(0)
    for part, count in (('train', per_type), ('val', 1), ('test', 1)):
        made.names[part] = []
        folder = 'test' if part == 'test' else 'train_val'
        for kind in TYPES:
            for number in range(count):
                well = f'{"ABC"[["train", "val", "test"].index(part)]}7'
                name = f'{kind}_Phase_{well}_1_{number:02d}d16h00m_2.tif'
                path = root / 'images' / f'livecell_{folder}_images'
                path = path / kind / name if nested else path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(90, 160, size, np.uint8)
                tifffile.imwrite(path, pixels)
                made.names[part].append(name)
                made.cells[name] = 2 + number % 3
                made.polygons[name] = _polygons(rng, made.cells[name], size)
    for part, names in made.names.items():
        if not single:
            _write(made, made.folder / f'livecell_coco_{part}.json', names)
            continue
        for kind in TYPES:
            folder = root / 'annotations' / 'LIVECell_single_cells'
            own = [name for name in names if name.startswith(f'{kind}_')]
            path = folder / kind.lower() / f'{part}.json'
            _write(made, path, own, keyed=True)
    for percent in official:
        count = max(1, len(made.names['train']) * percent // 100)
        made.official[percent] = made.names['train'][::-1][:count]
        folder = root / 'annotations' / 'LIVECell_dataset_size_split'
        names = made.official[percent]
        _write(made, folder / OFFICIAL[percent], names, first_id=90_000)
    return made


def change_json(path: Path, change) -> None:
    """Rewrite a json file after changing its content in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _polygons(
    rng: np.random.Generator, count: int, size: tuple[int, int]
) -> list[list[float]]:
    polygons = []
    for _ in range(count):
        left, top = rng.integers(1, (size[1] - 12, size[0] - 12)).tolist()
        polygons.append(
            [left, top, left + 8.25, top, left + 8.25, top + 6, left, top + 6]
        )
    return polygons


def _write(
    made: LivecellSet,
    path: Path,
    names: list[str],
    keyed: bool = False,
    first_id: int = 7,
) -> None:
    annotations: list[dict[str, Any]] = []
    for image_id, name in enumerate(names, first_id):
        for polygon in made.polygons[name]:
            annotations.append(
                {
                    'segmentation': [polygon],
                    'area': 49.5,
                    'iscrowd': 0,
                    'image_id': image_id,
                    'bbox': [*polygon[:2], 8.25, 6],
                    'category_id': 1,
                    'id': first_id + len(annotations),
                }
            )
    height, width = tifffile.imread(made.image(names[0])).shape
    content = {
        'images': [
            {
                'id': image_id,
                'width': width,
                'height': height,
                'file_name': name,
                'original_filename': name[:-6] + '.png',
                'url': f'https://example.org/{name}',
            }
            for image_id, name in enumerate(names, first_id)
        ],
        'annotations': {str(a['id']): a for a in annotations}
        if keyed
        else annotations,
        'categories': [{'supercategory': 'cell', 'id': 1, 'name': 'cell'}],
        'info': {},
        'licenses': [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
