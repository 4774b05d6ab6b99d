"""Write one part of LIVECell as COCO json, annotation by annotation."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cupre_mm.utils.coco_json import canonical_json
from cupre_mm.utils.coco_writer import CocoWriter
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.livecell.annotation_rules import PROBLEMS, mend_annotation
from cupre_mm.utils.livecell.cell_types import CELL_TYPES
from cupre_mm.utils.livecell.image_lists import first_of
from cupre_mm.utils.livecell.source_entries import entries_with_bar
from cupre_mm.utils.livecell.source_files import SourceFile

INFO = {'description': 'LIVECell, CC BY-NC 4.0'}
# Of each kind of problem, as many cells are named in the report.
MOST_EXAMPLES = 20


@dataclass(frozen=True)
class PartItem:
    """A part that is to be written.

    Args:
        name (str): ``'train'``, ``'val'`` or ``'test'``.
        sources (tuple[SourceFile]): Its annotation files.
        name_of (tuple[dict]): For each of them, file names by the text of
            the image id.
        images (tuple[dict]): The images of the output: ``id``,
            ``file_name``, ``height``, ``width`` and ``cell_type``.
        by_cell_type (bool): Whether every cell type is a class of its own.
        fingerprint (str): Changes when the part has to be written anew.
    """

    name: str
    sources: tuple[SourceFile, ...]
    name_of: tuple[dict[str, str], ...]
    images: tuple[dict[str, Any], ...]
    by_cell_type: bool
    fingerprint: str

    @property
    def file_name(self) -> str:
        """Name of the file that is written."""
        return f'livecell_coco_{self.name}.json'


def categories(by_cell_type: bool) -> list[dict[str, Any]]:
    """The categories of the output.

    Args:
        by_cell_type (bool): Whether there is one for each cell type.

    Returns:
        list[dict]: As COCO has them, with ids from 1.
    """
    names = CELL_TYPES if by_cell_type else ('cell',)
    return [{'id': n, 'name': name} for n, name in enumerate(names, 1)]


def write_part(_: None, item: PartItem, folder: Path) -> dict[str, Any]:
    """Write a part; the work of :func:`run_resumable`.

    Args:
        item (PartItem): The part.
        folder (Path): The folder to write to.

    Returns:
        dict: ``file``, ``bytes``, ``sha256``, ``cells`` (number by file
        name) and ``problems`` (number and first cells by kind).

    Raises:
        BadDataError: If an annotation belongs to no image of its file.
    """
    images = {image['file_name']: image for image in item.images}
    category_of = {
        kind: number if item.by_cell_type else 1
        for number, kind in enumerate(CELL_TYPES, 1)
    }
    cells: Counter[str] = Counter()
    problems = _Problems()
    seen: set[int] = set()
    path = folder / item.file_name
    with CocoWriter(path) as writer:
        for name, annotation in _annotations(item):
            if name not in images:
                continue
            image = images[name]
            good, kinds = mend_annotation(
                annotation, image['height'], image['width']
            )
            if good and _is_repeated(good, name, seen):
                good, kinds = None, ['duplicates']
            for kind in kinds:
                problems.add(kind, f'{name}: {annotation.get("id")}')
            if good is None:
                continue
            cells[name] += 1
            writer.add(
                {
                    **good,
                    'id': writer.annotations + 1,
                    'image_id': image['id'],
                    'category_id': category_of[image['cell_type']],
                }
            )
        digest = writer.finish(
            categories=categories(item.by_cell_type),
            images=list(item.images),
            info=INFO,
        )
    return {
        'file': path.name,
        'bytes': path.stat().st_size,
        'sha256': digest,
        'cells': {name: cells[name] for name in images},
        'problems': problems.found,
    }


class _Problems:
    """What was mended or left out, counted, the first ones by name."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {
            kind: {'count': 0, 'first': []} for kind in PROBLEMS
        }

    def add(self, kind: str, cell: str) -> None:
        entry = self.found[kind]
        entry['count'] += 1
        if len(entry['first']) < MOST_EXAMPLES:
            entry['first'].append(cell)


def _annotations(item: PartItem) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each annotation with the file name of its image."""
    for source, name_of in zip(item.sources, item.name_of):
        lost: Counter[str] = Counter()
        for annotation in entries_with_bar(source, 'annotations'):
            image_id = str(annotation.get('image_id'))
            if image_id in name_of:
                yield name_of[image_id], annotation
            else:
                lost[image_id] += 1
        if lost:
            raise BadDataError(
                f'{source}: {lost.total()} annotation(s) belong to no image '
                f'of the file; the image ids they name: {first_of(lost)}. '
                'Download the file again'
            )


def _is_repeated(
    annotation: dict[str, Any], name: str, seen: set[int]
) -> bool:
    # Eight bytes of a digest: among two million cells, two that differ agree
    # with a chance of one in ten million, and a set of them stays small.
    content = name.encode() + canonical_json(annotation['segmentation'])
    digest = hashlib.blake2b(content, digest_size=8).digest()
    key = int.from_bytes(digest, 'big')
    if key in seen:
        return True
    seen.add(key)
    return False
