"""The whole demo data set: how much of what, and writing it once."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .cell_pictures import LOOKS, draw_cells
from .coco_writer import CocoWriter, write_json
from .natural_shapes import CATEGORIES, draw_scene

# Raise it with every change that alters a pixel or an annotation: a set of
# another version is written anew.
DATA_VERSION = 1
GENERATOR = 'cupre_mm make_demo_data'
MARKER = 'demo_data.json'
FOLDERS = ('natural', 'cells_unlabelled', 'cells_labelled')


class _Kind(IntEnum):
    """Second word of a picture's seed, so that no two share a stream."""

    NATURAL_TRAIN = 1
    NATURAL_VAL = 2
    PHASE = 3
    FLUORESCENCE = 4
    STAINED = 5
    LABELLED = 6


@dataclass(frozen=True)
class DemoSize:
    """How many pictures and how large.

    Args:
        natural_train (int): Training pictures of natural shapes.
        natural_val (int): Validation pictures of natural shapes.
        per_look (int): Unlabelled cell pictures in each look.
        labelled (int): Labelled cell pictures.
        side (tuple[int, int]): Range of both sides of natural and labelled
            pictures, pixels.
        unlabelled_side (tuple[int, int]): The same of unlabelled pictures.
        cells (tuple[int, int]): Least and greatest number of cells in a
            labelled picture.
    """

    natural_train: int
    natural_val: int
    per_look: int
    labelled: int
    side: tuple[int, int]
    unlabelled_side: tuple[int, int]
    cells: tuple[int, int]

    @property
    def pictures(self) -> int:
        """Number of pictures in all."""
        natural = self.natural_train + self.natural_val
        return natural + len(LOOKS) * self.per_look + self.labelled


SIZES = {
    'tiny': DemoSize(10, 4, 8, 20, (96, 128), (96, 128), (8, 16)),
    'demo': DemoSize(160, 24, 80, 120, (160, 192), (160, 256), (8, 40)),
}


@dataclass(frozen=True)
class DemoReport:
    """What a call of ``write_demo_data`` found and did.

    Args:
        folder (Path): Where the set is.
        counts (dict[str, int]): Pictures and instances by name.
        action (str): ``'written'``, ``'rewritten'`` or ``'kept'``.
        reason (str): Why an older set was kept or written anew, or ''.
    """

    folder: Path
    counts: dict[str, int]
    action: str
    reason: str


def write_demo_data(
    folder: str | Path, seed: int = 0, size: str = 'demo'
) -> DemoReport:
    """Write the demo data set, unless it is there already.

    The same seed and size give the same pixels and annotations with the same
    library versions; random streams are numpy's, one per picture. A set that
    an interrupted run, another seed or another size left in the folder is
    written anew; a folder that holds anything else is not touched.

    Args:
        folder (str | Path): Where to write.
        seed (int): Seed, not negative. Defaults to 0.
        size (str): Key of ``SIZES``. Defaults to 'demo'.

    Returns:
        DemoReport: Counts, place, and what was done.

    Raises:
        ValueError: If the size is unknown or the seed negative.
        FileExistsError: If the folder is a file, or holds files that this
            function did not write.
    """
    folder = Path(folder)
    if size not in SIZES:
        raise ValueError(
            f"unknown size '{size}': choose one of {', '.join(SIZES)}"
        )
    if seed < 0:
        raise ValueError(f'seed must not be negative, but got {seed}')
    wanted = {'seed': seed, 'size': size, 'version': DATA_VERSION}
    marker = _read_marker(folder)
    reason = ''
    if marker is not None:
        reason = _why_anew(folder, marker, wanted)
        if not reason:
            same = f'it holds the complete set of seed {seed}, size {size}'
            return DemoReport(folder, marker['counts'], 'kept', same)
        for name in FOLDERS:
            if (folder / name).exists():
                shutil.rmtree(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    head = {'generator': GENERATOR, **wanted}
    write_json(folder / MARKER, {**head, 'complete': False})
    with tqdm(
        total=SIZES[size].pictures,
        desc='demo data',
        unit='img',
        mininterval=1,
    ) as bar:
        counts = _write_all(folder, seed, SIZES[size], bar.update)
    write_json(
        folder / MARKER,
        {
            **head,
            'complete': True,
            'counts': counts,
            'numbers': asdict(SIZES[size]),
        },
    )
    action = 'written' if marker is None else 'rewritten'
    return DemoReport(folder, counts, action, reason)


def _read_marker(folder: Path) -> dict | None:
    """Read the marker; None if the folder is new or empty."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(
            f'{folder} is a file: give a folder that is new or empty'
        )
    if not folder.exists() or not any(folder.iterdir()):
        return None
    try:
        marker = json.loads((folder / MARKER).read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        marker = None
    if not isinstance(marker, dict) or marker.get('generator') != GENERATOR:
        raise FileExistsError(
            f'{folder} is not empty and holds no {MARKER} of this tool: '
            'give a folder that is new or empty, so that no file of yours '
            'is lost'
        )
    return marker


def _why_anew(folder: Path, marker: dict, wanted: dict) -> str:
    """Tell why the set found cannot serve; '' if it can."""
    if not marker.get('complete') or 'counts' not in marker:
        return 'an earlier run was interrupted'
    for key, value in wanted.items():
        if marker.get(key) != value:
            return f'it held {key} {marker.get(key)}, asked for is {value}'
    files = [
        folder / 'natural/annotations/instances_train.json',
        folder / 'natural/annotations/instances_val.json',
        folder / 'cells_labelled/annotations/instances.json',
    ]
    missing = [file for file in files if not file.is_file()]
    if missing:
        return f'{missing[0]} was missing'
    found = sum(1 for _ in _pictures_in(folder))
    if found != SIZES[wanted['size']].pictures:
        expected = SIZES[wanted['size']].pictures
        return f'{found} pictures were there instead of {expected}'
    return ''


def _pictures_in(folder: Path) -> Iterator[Path]:
    yield from (folder / 'natural/images').glob('*.jpg')
    yield from (folder / 'cells_labelled/images').glob('*.png')
    for look in LOOKS:
        yield from (folder / 'cells_unlabelled' / look).glob(f'{look}_*')


def _write_all(
    folder: Path, seed: int, size: DemoSize, step: Callable[[], object]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    natural = (
        ('train', _Kind.NATURAL_TRAIN, size.natural_train),
        ('val', _Kind.NATURAL_VAL, size.natural_val),
    )
    for split, kind, number in natural:
        writer = CocoWriter(f'natural shapes, {split}, generated', CATEGORIES)
        for index in range(number):
            rng = np.random.default_rng([seed, kind, index])
            scene = draw_scene(rng, _draw_side(rng, size.side), (2, 6))
            name = f'{split}_{index:04d}.jpg'
            _write_picture(folder / 'natural/images' / name, scene.pixels)
            writer.add(
                name,
                list(scene.masks),
                list(scene.categories),
                scene.pixels.shape[:2],
                polygons=True,
            )
            step()
        path = folder / f'natural/annotations/instances_{split}.json'
        writer.write(path)
        counts[f'natural {split} images'] = len(writer.images)
        counts[f'natural {split} instances'] = len(writer.annotations)
    for look in LOOKS:
        _write_unlabelled(folder, look, seed, size, step)
        counts[f'unlabelled {look} images'] = size.per_look
    writer = _write_labelled(folder, seed, size, step)
    counts['labelled cell images'] = len(writer.images)
    counts['labelled cell instances'] = len(writer.annotations)
    return counts


def _write_unlabelled(
    folder: Path,
    look: str,
    seed: int,
    size: DemoSize,
    step: Callable[[], object],
) -> None:
    for index in range(size.per_look):
        rng = np.random.default_rng([seed, _Kind[look.upper()], index])
        shape = _draw_side(rng, size.unlabelled_side)
        bits, suffix = 8, 'png'
        if look == 'fluorescence':
            bits, suffix = 16, 'tif'
        elif look == 'stained' and index % 2:
            suffix = 'jpg'
        # Larger fields of view hold more cells of the same size.
        room = shape[0] * shape[1] / size.side[1] ** 2
        most = max(size.cells[0], int(size.cells[1] * room))
        picture = draw_cells(rng, look, shape, (size.cells[0], most), bits)
        name = f'{look}_{index:04d}.{suffix}'
        path = folder / 'cells_unlabelled' / look / name
        _write_picture(path, picture.pixels)
        step()


def _write_labelled(
    folder: Path, seed: int, size: DemoSize, step: Callable[[], object]
) -> CocoWriter:
    writer = CocoWriter('labelled cells, generated', ('cell',))
    for index in range(size.labelled):
        rng = np.random.default_rng([seed, _Kind.LABELLED, index])
        # A fixed round of looks keeps every share of the set mixed.
        look = ('fluorescence', 'fluorescence', 'phase', 'fluorescence',
                'stained')[index % 5]  # fmt: skip
        shape = _draw_side(rng, size.side)
        picture = draw_cells(rng, look, shape, size.cells)
        name = f'cells_{index:04d}.png'
        _write_picture(folder / 'cells_labelled/images' / name, picture.pixels)
        number = len(picture.layout.outlines)
        masks = [picture.layout.labels == i + 1 for i in range(number)]
        writer.add(name, masks, [0] * number, shape)
        step()
    writer.write(folder / 'cells_labelled/annotations/instances.json')
    return writer


def _draw_side(
    rng: np.random.Generator, side: tuple[int, int]
) -> tuple[int, int]:
    height, width = rng.integers(side[0] // 8, side[1] // 8 + 1, size=2) * 8
    return int(height), int(width)


def _write_picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if path.suffix == '.jpg' else []
    if not cv2.imwrite(str(path), pixels, options):
        raise OSError(f'cannot write {path}: is the disk full or read-only?')
