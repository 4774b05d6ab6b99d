"""COCO annotation files with run-length codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from cupre_mm.apis.exporters.class_names import class_names
from cupre_mm.apis.segmentation import Segmentation
from cupre_mm.apis.source_info import SourceInfo
from cupre_mm.utils.coco_writer import CocoWriter
from cupre_mm.utils.errors import BadDataError


def coco_image(
    segmentation: Segmentation, image_id: int, file_name: str
) -> dict[str, Any]:
    """Describe an image as COCO does.

    Args:
        segmentation (Segmentation): Its cells.
        image_id (int): Its number.
        file_name (str): Its name, a path below the folder of the images.

    Returns:
        dict: An entry of ``images``.
    """
    height, width = segmentation.shape
    return {
        'id': image_id,
        'file_name': file_name,
        'height': height,
        'width': width,
    }


def coco_annotations(
    segmentation: Segmentation, image_id: int, first_id: int = 1
) -> Iterator[dict[str, Any]]:
    """Describe cells as COCO does.

    Args:
        segmentation (Segmentation): The cells.
        image_id (int): Number of their image.
        first_id (int): Number of the first cell. Defaults to 1, so that it
            is the cell's value in the label image.

    Yields:
        dict: An entry of ``annotations``, with the box around the mask's
        pixels as x, y, width, height, the mask as compressed RLE, and the
        ``score``. ``label`` is the cell's value in the label image.
    """
    for i, mask in enumerate(segmentation.masks):
        height, width = mask.pixels.shape
        yield {
            'id': first_id + i,
            'image_id': image_id,
            'category_id': int(segmentation.labels[i]) + 1,
            'segmentation': mask.to_rle(segmentation.shape),
            'bbox': [mask.left, mask.top, width, height],
            'area': mask.area,
            'iscrowd': 0,
            'score': float(segmentation.scores[i]),
            'label': i + 1,
        }


def coco_categories(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Describe classes as COCO does.

    Args:
        names (tuple[str, ...]): Their names.

    Returns:
        list[dict]: ``categories``, numbered from 1.
    """
    return [
        {'id': i, 'name': name, 'supercategory': 'cell'}
        for i, name in enumerate(names, start=1)
    ]


class CocoFile:
    """One COCO file for all images of a run.

    Used as a context; left without :meth:`finish`, nothing is written. The
    cells of one image at a time are in memory.

    Args:
        path (Path): The file, ``.json``.

    Example:
        >>> with CocoFile(path) as file:
        ...     file.add(cells, 'plate1/a01.tif')
        ...     file.finish()
    """

    def __init__(self, path: Path) -> None:
        self._writer = CocoWriter(path)
        self._images: list[dict[str, Any]] = []
        self._names: tuple[str, ...] = ()

    def __enter__(self) -> CocoFile:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def add(self, segmentation: Segmentation, file_name: str) -> None:
        """Write the cells of an image.

        Args:
            segmentation (Segmentation): The cells.
            file_name (str): The image, a path below the folder of all.

        Raises:
            BadDataError: If the classes are not those of the other images.
        """
        names = class_names(segmentation)
        shared = min(len(names), len(self._names))
        if names[:shared] != self._names[:shared]:
            raise BadDataError(
                f'{file_name} has the classes {names}, images before it '
                f'{self._names}: one COCO file has one list of classes'
            )
        self._names = max(self._names, names, key=len)
        image_id = len(self._images) + 1
        self._images.append(coco_image(segmentation, image_id, file_name))
        first = self._writer.annotations + 1
        for entry in coco_annotations(segmentation, image_id, first):
            self._writer.add(entry)

    def finish(self) -> None:
        """Put the file in place."""
        self._writer.finish(
            categories=coco_categories(self._names),
            images=self._images,
            info={'description': 'Cells found by cupre_mm'},
        )


def write_coco(
    segmentation: Segmentation, path: Path, *, source: SourceInfo
) -> Path:
    """Write a COCO file of one image.

    Args:
        segmentation (Segmentation): The cells.
        path (Path): The file, ``.json``.
        source (SourceInfo): The image they are of.

    Returns:
        Path: The file.
    """
    with CocoFile(path) as file:
        file.add(segmentation, source.name)
        file.finish()
    return path
