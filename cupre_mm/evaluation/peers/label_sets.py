"""Annotated images as image and label files, which cell methods read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from faster_coco_eval import COCO

from cupre_mm.utils.benchmark_grid.records import describe_file
from cupre_mm.utils.coco_json import read_coco, write_json
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_files import parse_json
from cupre_mm.utils.microscopy_io import read_image, to_three_channels

from ..coco_annotations import load_annotations
from ..label_resolution import resolve_by_size

_INDEX = 'set.json'


@dataclass(frozen=True)
class LabelSet:
    """The images of an annotation file, and a label image of each.

    Attributes:
        folder (Path): Folder of the files.
        record (dict): The annotation file as the benchmark's own cells
            describe theirs: ``file``, ``sha256``, ``images``, ``instances``.
        entries (list[dict]): An entry an image, by ascending id: ``id``,
            ``file_name``, ``height``, ``width``.
        categories (list[str]): Class names of the annotation file.
    """

    folder: Path
    record: dict[str, Any]
    entries: list[dict[str, Any]]
    categories: list[str]

    @property
    def images(self) -> list[Path]:
        """TIFF files, (H, W) or (H, W, 3)."""
        return [self.folder / f'{e["id"]}_image.tif' for e in self.entries]

    @property
    def labels(self) -> list[Path]:
        """TIFF files, (H, W): 0 is background, 1 to K are instances."""
        return [self.folder / f'{e["id"]}_labels.tif' for e in self.entries]


def write_label_set(
    ann_file: Path, image_folder: Path, root: Path
) -> LabelSet:
    """Write the images of an annotation file and their label images.

    Where instances overlap the smaller one is in front, as in the ground
    truth of the cell scores; crowd regions are left out. Gray images that
    are stored in three equal channels become one channel, an alpha channel
    is dropped, the values stay as they are. A set that is there whole is not
    written again.

    Args:
        ann_file (Path): COCO annotation file.
        image_folder (Path): Folder that its file names start from.
        root (Path): Folder of all sets; each gets one by the checksum of its
            annotation file.

    Returns:
        LabelSet: The set.

    Raises:
        MissingDataError: If a file does not exist.
        BadDataError: If a file cannot be used.
    """
    content, sha256 = read_coco(ann_file)
    folder = root / sha256[:16]
    keys = ('id', 'file_name', 'height', 'width')
    found = LabelSet(
        folder,
        describe_file(ann_file),
        sorted(
            ({key: image[key] for key in keys} for image in content['images']),
            key=lambda entry: entry['id'],
        ),
        [category['name'] for category in content['categories']],
    )
    index = folder / _INDEX
    if index.is_file() and parse_json(index.read_bytes(), index) == sha256:
        return found
    coco = load_annotations(str(ann_file))
    folder.mkdir(parents=True, exist_ok=True)
    for entry, image_path, label_path in zip(
        found.entries, found.images, found.labels
    ):
        pixels = _plain_image(image_folder / entry['file_name'])
        shape = (entry['height'], entry['width'])
        if pixels.shape[:2] != shape:
            raise BadDataError(
                f'{image_folder / entry["file_name"]} has {pixels.shape[:2]} '
                f'pixels (height, width), {ann_file} says {shape}: convert '
                'the data set anew'
            )
        kind = 'rgb' if pixels.ndim == 3 else 'minisblack'
        tifffile.imwrite(image_path, pixels, photometric=kind)
        write_labels(label_path, true_labels(coco, entry['id'], shape))
    write_json(index, sha256)
    return found


def true_labels(
    coco: COCO, img_id: int | str, shape: tuple[int, int]
) -> np.ndarray:
    """Make the label image of an image's ground truth.

    Args:
        coco (COCO): The ground truth, masks as run-length codes.
        img_id (int or str): Id of the image.
        shape (tuple[int, int]): Its height and width.

    Returns:
        np.ndarray: (H, W), int32.
    """
    masks = [
        ann['segmentation']
        for ann in coco.imgToAnns.get(img_id, ())
        if not ann.get('iscrowd')
    ]
    return resolve_by_size(masks, shape).labels


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write a label image.

    Args:
        path (Path): A TIFF file.
        labels (np.ndarray): (H, W), integers.
    """
    tifffile.imwrite(path, labels.astype(np.int32), compression='zlib')


def read_labels(paths: Iterable[Path]) -> list[np.ndarray]:
    """Read label images.

    Args:
        paths (Iterable[Path]): TIFF files.

    Returns:
        list[np.ndarray]: (H, W) each.
    """
    return [tifffile.imread(path) for path in paths]


def _plain_image(path: Path) -> np.ndarray:
    image = read_image(path)
    if image.ndim == 2:
        return image
    image = to_three_channels(image)
    is_gray = (image == image[..., :1]).all()
    return np.ascontiguousarray(image[..., 0]) if is_gray else image
