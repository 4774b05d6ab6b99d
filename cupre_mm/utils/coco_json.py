"""COCO annotation files: read, check, take a part of, write.

What is written has the same bytes on every machine for the same content:
sorted keys, fixed separators, ASCII, one newline at the end.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cupre_mm.utils.atomic_write import write_atomically
from cupre_mm.utils.coco_checks import (
    ANNOTATION_KEYS,
    COCO_LISTS,
    check_images_and_categories,
    check_keys,
    check_unique,
    lost_reference,
    no_coco_list,
)
from cupre_mm.utils.errors import BadDataError, MissingDataError
from cupre_mm.utils.json_files import parse_json

CocoDict = dict[str, Any]


def canonical_json(content: Any, indent: int | None = None) -> bytes:
    """The one byte sequence that stands for this content.

    Args:
        content (Any): What :func:`json.dumps` takes, without NaN or infinity.
        indent (int, optional): Spaces a level, for files that people read.
            Defaults to None: one line.

    Returns:
        bytes: ASCII, ending in a newline.

    Raises:
        BadDataError: If a number is NaN or infinite, as 1e999 of a json file
            that was read is.
    """
    separators = (',', ':') if indent is None else (',', ': ')
    try:
        text = json.dumps(
            content,
            sort_keys=True,
            separators=separators,
            ensure_ascii=True,
            allow_nan=False,
            indent=indent,
        )
    except ValueError as error:
        raise BadDataError(
            f'what is to be written as json holds NaN or infinity ({error}): '
            'look for them, or for a number such as 1e999, in the source'
        ) from error
    return text.encode('ascii') + b'\n'


def write_json(path: Path, content: Any, indent: int | None = None) -> str:
    """Write :func:`canonical_json` in one piece.

    Args:
        path (Path): The target.
        content (Any): See :func:`canonical_json`.
        indent (int, optional): See :func:`canonical_json`. Defaults to None.

    Returns:
        str: The file's SHA-256 in hex.
    """
    data = canonical_json(content, indent)
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def read_coco(path: str | Path, hint: str = '') -> tuple[CocoDict, str]:
    """Read an instance annotation file and check it.

    Annotations keyed by id, as in LIVECell's files of one cell type, become
    the list that COCO's own tools expect.

    Args:
        path (str | Path): The file.
        hint (str): How to make the file; ends the message when it is missing.
            Defaults to ''.

    Returns:
        tuple[dict, str]: The content, and the SHA-256 of the file.

    Raises:
        MissingDataError: If there is no such file.
        BadDataError: If it is not COCO json, see :func:`check_coco`.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(
            f'annotation file {path} does not exist. {hint}'.rstrip()
        )
    data = path.read_bytes()
    coco = parse_json(data, path)
    if isinstance(coco, dict) and isinstance(coco.get('annotations'), dict):
        coco['annotations'] = list(coco['annotations'].values())
    check_coco(coco, path)
    return coco, hashlib.sha256(data).hexdigest()


def check_coco(coco: Any, path: str | Path) -> None:
    """Check what splitting and training rely on.

    Args:
        coco (Any): The parsed content.
        path (str | Path): The file, for the messages.

    Raises:
        BadDataError: If a list of COCO's is missing, there is no image, an
            image id or file name occurs twice, or an annotation names an
            image or a category that the file does not have.
    """
    for key in COCO_LISTS:
        if not isinstance(coco, dict) or not isinstance(coco.get(key), list):
            raise no_coco_list(path, key)
    check_images_and_categories(coco['images'], coco['categories'], path)
    annotations = coco['annotations']
    check_keys(annotations, ANNOTATION_KEYS, 'annotation', path)
    check_unique((ann['id'] for ann in annotations), 'annotation id', path)
    for key, target in (('image_id', 'images'), ('category_id', 'categories')):
        known = {entry['id'] for entry in coco[target]}
        lost = [ann for ann in annotations if ann[key] not in known]
        if lost:
            raise lost_reference(
                path, key, len(lost), lost[0][key], lost[0]['id']
            )


def take_images(coco: CocoDict, images: Iterable[dict]) -> CocoDict:
    """A file's part: some images and their annotations, in file order.

    Args:
        coco (dict): The whole file.
        images (Iterable[dict]): Entries of ``coco['images']``.

    Returns:
        dict: The part. Ids, categories and every other key are the file's.
    """
    chosen = {image['id'] for image in images}
    return {
        **coco,
        'images': [img for img in coco['images'] if img['id'] in chosen],
        'annotations': [
            ann for ann in coco['annotations'] if ann['image_id'] in chosen
        ],
    }
