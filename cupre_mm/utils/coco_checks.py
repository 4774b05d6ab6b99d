"""What must hold in every COCO annotation file, and how to say it does not."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import BadDataError

COCO_LISTS = ('images', 'annotations', 'categories')
ANNOTATION_KEYS = ('id', 'image_id', 'category_id')


def no_coco_list(path: str | Path, key: str) -> BadDataError:
    """Say that a file lacks one of COCO's lists.

    Args:
        path (str | Path): The file.
        key (str): The list.

    Returns:
        BadDataError: The error to raise.
    """
    return BadDataError(
        f'{path} is not COCO instance json: it has no list {key!r}; pass a '
        'file such as instances_train2017.json'
    )


def not_json(path: str | Path, error: Exception) -> BadDataError:
    """Say that a file cannot be parsed.

    Args:
        path (str | Path): The file.
        error (Exception): What the parser found.

    Returns:
        BadDataError: The error to raise.
    """
    return BadDataError(
        f'{path} is not valid json ({error}); it may be cut off: make or '
        'download it again'
    )


def lost_reference(
    path: str | Path, key: str, count: int, value: Any, annotation_id: Any
) -> BadDataError:
    """Say that annotations name an image or a category that is not there.

    Args:
        path (str | Path): The file.
        key (str): ``'image_id'`` or ``'category_id'``.
        count (int): How many annotations do.
        value (Any): What the first of them names.
        annotation_id (Any): The id of the first of them.

    Returns:
        BadDataError: The error to raise.
    """
    target = {'image_id': 'images', 'category_id': 'categories'}[key]
    return BadDataError(
        f'{path}: {count} annotation(s) name a {key} that is not among its '
        f'{target}, first {value!r} (annotation {annotation_id!r}); remove '
        'them or add the missing entry'
    )


def check_images_and_categories(
    images: list, categories: list, path: str | Path
) -> None:
    """Check the two short lists of a file.

    Args:
        images (list): The images.
        categories (list): The categories.
        path (str | Path): The file, for the messages.

    Raises:
        BadDataError: If there is no image, an entry lacks its id or name, a
            file name is no text, or an id or a file name occurs twice.
    """
    if not images:
        raise BadDataError(
            f'{path} lists no images; check the command that made it'
        )
    check_keys(images, ('id', 'file_name'), 'image', path)
    check_keys(categories, ('id', 'name'), 'category', path)
    for image in images:
        if not isinstance(image['file_name'], str):
            raise BadDataError(
                f'{path}: the file name of image {image["id"]!r} is no text: '
                f'{image["file_name"]!r}'
            )
    check_unique((entry['id'] for entry in images), 'image id', path)
    check_unique((entry['file_name'] for entry in images), 'file name', path)
    check_unique((entry['id'] for entry in categories), 'category id', path)


def check_keys(
    entries: list,
    keys: Sequence[str],
    kind: str,
    path: str | Path,
    first: int = 0,
) -> None:
    """Check that entries have ids, names and references.

    Args:
        entries (list): The entries.
        keys (Sequence[str]): What each must have, a number or text.
        kind (str): What to call an entry in the message.
        path (str | Path): The file, for the message.
        first (int): Number of the first entry in the file. Defaults to 0.

    Raises:
        BadDataError: At the first entry that lacks one.
    """
    for position, entry in enumerate(entries, first):
        for key in keys:
            value = entry.get(key) if isinstance(entry, dict) else None
            if not isinstance(value, (int, str)):
                raise BadDataError(
                    f'{path}: {kind} number {position} has no usable '
                    f'{key!r} (got {value!r}); it must be a number or text'
                )


def check_unique(
    values: Iterable[int | str], name: str, path: str | Path
) -> None:
    """Check that no value occurs twice.

    Args:
        values (Iterable[int | str]): The values.
        name (str): What to call one in the message.
        path (str | Path): The file, for the message.

    Raises:
        BadDataError: If one does.
    """
    seen: set[int | str] = set()
    repeated: dict[int | str, None] = {}
    for value in values:
        if value in seen:
            repeated[value] = None
        seen.add(value)
    if repeated:
        first = ', '.join(repr(value) for value in list(repeated)[:5])
        raise BadDataError(
            f'{path}: {len(repeated)} {name}(s) occur more than once: '
            f'{first}; every {name} must be unique: remove or rename the '
            'repeated entries'
        )
