"""A COCO json and its images, as work items.

Ids may be numbers or text, lists may be dicts keyed by id, annotation ids may
be missing or repeat: all ids are numbered anew but those of categories that
are numbers.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.coco_checks import (
    COCO_LISTS,
    check_images_and_categories,
    no_coco_list,
)
from cupre_mm.utils.coco_json import CocoDict
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.json_files import parse_json
from cupre_mm.utils.labelled_sets.coco_records import Cases
from cupre_mm.utils.labelled_sets.conversion import fingerprint
from cupre_mm.utils.labelled_sets.paired_files import is_visible_image

# Written by the converter itself; every other key of an entry is kept.
_OWN_IMAGE_KEYS = ('id', 'file_name', 'width', 'height')


class CocoItem(NamedTuple):
    """One image of the json.

    Attributes:
        name (str): Its file name in the json.
        image (str): The image in the source.
        annotations (list[dict]): Its annotations, as they stand there.
        file_name (str): The image below ``OUT/images``.
        size (tuple[int, int] | None): Height and width that the json says,
            if it does.
        attributes (dict[str, Any]): The further keys of its entry.
        category_ids (dict[int | str, int]): New ids by those of the json.
        fingerprint (str): Changes when any of these does.
    """

    name: str
    image: str
    annotations: list[dict]
    file_name: str
    size: tuple[int, int] | None
    attributes: dict[str, Any]
    category_ids: dict[int | str, int]
    fingerprint: str


def read_annotations(tree: SourceTree, file: str | None) -> CocoDict:
    """Read the json and check its images and categories.

    Args:
        tree (SourceTree): The source.
        file (str, optional): The json in the source or elsewhere on disk.
            None takes the only one of the source.

    Returns:
        dict: The content, with lists for what is keyed by id.

    Raises:
        BadDataError: If there is no such json, it is not COCO's, or an image
            or category id occurs twice.
    """
    where, data = _find_json(tree, file)
    coco = parse_json(data, where)
    for key in COCO_LISTS:
        part = coco.get(key) if isinstance(coco, dict) else None
        if isinstance(part, dict):
            coco[key] = part = list(part.values())
        if not isinstance(part, list):
            raise no_coco_list(where, key)
    # Annotations are judged one by one when their image is converted.
    check_images_and_categories(coco['images'], coco['categories'], where)
    return coco


def coco_items(
    tree: SourceTree,
    coco: CocoDict,
    category_ids: dict[int | str, int],
    folder: str,
    *settings: Any,
) -> tuple[list[CocoItem], Cases]:
    """Find the images of the json and give each its annotations.

    Args:
        tree (SourceTree): The source.
        coco (dict): Of :func:`read_annotations`.
        category_ids (dict[int | str, int]): New category ids by old.
        folder (str): Folder of the source to look for images in, with all
            below it; ``''`` is the source.
        *settings (Any): What else the records depend on.

    Returns:
        tuple[list[CocoItem], Cases]: The images that are there, in the order
        of the json, and what was met.

    Raises:
        BadDataError: If an image cannot be told from another.
    """
    finder = _ImageFinder(tree, folder)
    known = {image['id'] for image in coco['images']}
    of_image: dict[Any, list[dict]] = defaultdict(list)
    found: Cases = {'absent_images': [], 'lost_annotations': []}
    for place, annotation in enumerate(coco['annotations']):
        image_id = (
            annotation.get('image_id')
            if isinstance(annotation, dict)
            else None
        )
        if isinstance(image_id, (int, str)) and image_id in known:
            of_image[image_id].append(annotation)
        else:
            found['lost_annotations'].append(
                f'annotation number {place}: image_id {image_id!r}'
            )
    items: list[CocoItem] = []
    for image in coco['images']:
        name = image['file_name']
        file = finder.find(name)
        annotations = of_image[image['id']]
        if file is None:
            found['absent_images'].append(
                f'{name} ({len(annotations)} annotations)'
            )
            continue
        attributes = {
            key: value
            for key, value in image.items()
            if key not in _OWN_IMAGE_KEYS
        }
        size = _size(image)
        items.append(
            CocoItem(
                name,
                file,
                annotations,
                _safe_name(name),
                size,
                attributes,
                category_ids,
                fingerprint(
                    tree,
                    (file,),
                    annotations,
                    size,
                    attributes,
                    list(category_ids.items()),
                    *settings,
                ),
            )
        )
    _refuse_one_place(tree, items)
    return items, found


class _ImageFinder:
    """Finds the file that a json means, wherever it lies below the source."""

    def __init__(self, tree: SourceTree, folder: str) -> None:
        self._tree = tree
        start = f'{folder.strip("/")}/'.lstrip('/')
        self._by_base: dict[str, list[str]] = defaultdict(list)
        for file in filter(is_visible_image, tree.names):
            if file.startswith(start):
                self._by_base[PurePosixPath(file).name].append(file)

    def find(self, name: str) -> str | None:
        parts = PurePosixPath(name.replace('\\', '/')).parts
        files = self._by_base.get(parts[-1], []) if parts else []
        # The more of the path agrees, the better; exact names come first.
        for count in range(len(parts), 0, -1):
            tail = parts[-count:]
            fits = [
                file
                for file in files
                if PurePosixPath(file).parts[-count:] == tail
            ]
            exact = [
                file for file in fits if PurePosixPath(file).parts == tail
            ]
            if exact or len(fits) == 1:
                return (exact or fits)[0]
            if fits:
                raise BadDataError(
                    f'{self._tree.path}: {name!r} may be {len(fits)} images, '
                    f'{fits[0]} and {fits[1]} among them; name the folder of '
                    'the right ones with --images-folder'
                )
        return None


def _find_json(tree: SourceTree, file: str | None) -> tuple[str, bytes]:
    if file is None:
        found = [
            name
            for name in tree.names
            if name.lower().endswith('.json') and '__MACOSX' not in name
        ]
        if len(found) != 1:
            shown = ', '.join(found[:5]) + (', ...' if found[5:] else '')
            raise BadDataError(
                f'{tree.path} holds {len(found)} json files'
                f'{": " + shown if found else ""}; name the one to convert '
                'with --annotations'
            )
        file = found[0]
    if file in tree.names:
        return f'{tree.path}/{file}', tree.read(file)
    if not Path(file).is_file():
        raise BadDataError(
            f'the annotation file {file} is neither in {tree.path} nor on '
            'disk; give its path in SRC or its whole path'
        )
    return file, Path(file).read_bytes()


def _size(image: dict) -> tuple[int, int] | None:
    size = (image.get('height'), image.get('width'))
    return size if all(isinstance(side, int) for side in size) else None


def _safe_name(name: str) -> str:
    """A relative path; the file's own name where the json's leaves OUT."""
    path = PurePosixPath(name.replace('\\', '/'))
    outside = path.is_absolute() or '..' in path.parts or ':' in path.parts[0]
    return path.name if outside else str(path)


def _refuse_one_place(tree: SourceTree, items: Sequence[CocoItem]) -> None:
    places: dict[str, str] = {}
    for item in items:
        if item.file_name in places:
            raise BadDataError(
                f'{tree.path}: {places[item.file_name]!r} and {item.name!r} '
                f'would both be written to images/{item.file_name}; rename '
                'one of them in the folder and the json'
            )
        places[item.file_name] = item.name
