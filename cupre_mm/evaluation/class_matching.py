"""Which category of an annotation file each predicted label stands for."""

from collections.abc import Mapping, Sequence

from mmengine.logging import MMLogger

from cupre_mm.utils.errors import BadConfigError

from .coco_annotations import shorten


def match_classes(
    classes: Sequence[str], categories: Sequence[Mapping], source: str
) -> list[int]:
    """Find the category id of each label.

    As in mmdet's ``CocoDataset``, the file's categories that the data set
    knows are numbered in the file's order, without gaps. Where that gives a
    label another name than the data set's class of the same number, a
    warning says so.

    Args:
        classes (Sequence[str]): The data set's class names.
        categories (Sequence[Mapping]): The file's categories.
        source (str): What to call the file in messages.

    Returns:
        list[int]: Category ids in the order of the labels.

    Raises:
        BadConfigError: If no name is in both.
    """
    matched = [c for c in categories if c['name'] in classes]
    names = [category['name'] for category in categories]
    if not matched:
        raise BadConfigError(
            f"none of the data set's classes {shorten(classes)} is "
            f'among the categories {shorten(names)} of {source}; '
            "set metainfo=dict(classes=...) of the data set to the file's "
            'names'
        )
    log = MMLogger.get_current_instance()
    found = [category['name'] for category in matched]
    if found != list(classes[: len(found)]):
        log.warning(
            f'the categories of {source} are {shorten(names)}, the classes '
            f'of the data set {shorten(classes)}: labels are scored in the '
            f"file's order, as mmdet numbers them: 0 is {found[0]!r}"
            f'{", 1 is " + repr(found[1]) if found[1:] else ""}. That is '
            'right only if the model was trained with that numbering'
        )
    unused = [name for name in names if name not in classes]
    if unused:
        log.warning(
            f'the categories {shorten(unused)} of {source} are not among the '
            'classes of the data set; their instances are not evaluated'
        )
    return [category['id'] for category in matched]
