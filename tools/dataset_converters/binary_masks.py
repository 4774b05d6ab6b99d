"""Convert images with binary masks to COCO json.

SRC is a folder or zip. With ``--objects files`` each mask file is one object:
``<name>/masks/*`` beside ``<name>/images/<name>.*``, or ``masks/<name>/*``
beside ``images/<name>.*``, at any depth. With ``--objects components`` each
image has one mask, found as label_images.py finds labels, and each
8-connected component of it is one object. Masks are PNG, TIFF or BMP, or with
``--threshold`` JPEG. Writes ``OUT/images``, ``OUT/annotations/instances.json``
and, beside it, ``conversion_report.json``.

cupre_mm/utils/labelled_sets/mask_files.py states what becomes of odd masks;
images are copied as they are, 16 bits stay 16 bits. A file that cannot be
used stops the conversion once all others are done; ``--allow-bad`` leaves it
out.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadConfigError, BadDataError
from cupre_mm.utils.labelled_sets.conversion import (
    Converted,
    LabelledSet,
    convert_set,
    fingerprint,
)
from cupre_mm.utils.labelled_sets.converter_cli import (
    add_class_option,
    add_name_options,
    add_rule_options,
    add_run_options,
    add_unlabelled_option,
    names_of,
    rules_of,
    run_and_print,
)
from cupre_mm.utils.labelled_sets.mask_files import (
    BAD_COMPONENTS,
    COMPONENT_CASES,
    MASK_CASES,
    MaskItem,
    convert_components,
    convert_masks,
)
from cupre_mm.utils.labelled_sets.mask_groups import group_masks
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_files import PairNames
from cupre_mm.utils.labelled_sets.paired_items import pair_items

OBJECTS = ('files', 'components')
FOUND = {
    'masks_without_image': 'masks without an image, left out',
    'ignored_files': 'files neither image nor mask, ignored',
}


def convert(
    src: str | Path,
    out: str | Path,
    *,
    rules: ObjectRules,
    names: PairNames,
    objects: str = 'files',
    unlabelled: str | None = None,
    threshold: float = 0,
    class_name: str = 'cell',
    workers: int = 1,
    allow_bad: bool = False,
) -> Converted:
    """Convert the set; images done by an earlier run are not redone.

    Args:
        src (str | Path): The folder or zip.
        out (str | Path): The folder to write.
        rules (ObjectRules): What becomes of odd objects.
        names (PairNames): How the files are named.
        objects (str): ``'files'`` or ``'components'``. Defaults to
            ``'files'``.
        unlabelled (str, optional): What becomes of images without a mask:
            ``'skip'``, ``'empty'`` or ``'error'``. Defaults to None:
            ``'empty'`` where each file is an object, else ``'skip'``.
        threshold (float): Pixels above it belong to an object. Defaults to
            0.
        class_name (str): Of the objects. Defaults to ``'cell'``.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether what cannot be used is left out. Defaults
            to False.

    Returns:
        Converted: What was done.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If it has no such images, or files that cannot be used.
        BadConfigError: If a choice is none of those named.
    """
    if objects not in OBJECTS:
        raise BadConfigError(
            f'objects must be one of {", ".join(OBJECTS)}, got {objects!r}'
        )
    settings = [rules.as_dict(), threshold]
    find = partial(
        _find_files if objects == 'files' else _find_components,
        names=names,
        unlabelled=unlabelled,
        settings=settings,
        threshold=threshold,
        categories=[{'id': 1, 'name': class_name}],
    )
    return convert_set(
        src, out, find, rules=rules, workers=workers, allow_bad=allow_bad
    )


def _find_files(
    tree: SourceTree,
    names: PairNames,
    unlabelled: str | None,
    settings: list[Any],
    threshold: float,
    categories: list[dict],
) -> LabelledSet:
    files = group_masks(tree, names)
    without = [image for image, _, masks in files.groups.values() if not masks]
    if without and unlabelled == 'error':
        raise BadDataError(
            f'{tree.path}: {len(without)} image(s) have no mask, first '
            f'{without[0]}; add it, or choose --unlabelled skip or empty'
        )
    skip = unlabelled == 'skip'
    items = [
        MaskItem(
            name,
            image,
            tuple(masks),
            file_name,
            fingerprint(tree, (image, *masks), *settings),
        )
        for name, (image, file_name, masks) in files.groups.items()
        if masks or not skip
    ]
    meanings = {**MASK_CASES, **FOUND}
    found = {
        'masks_without_image': files.masks_without,
        'ignored_files': files.ignored,
    }
    if skip:
        meanings['images_without_masks'] = 'images without masks, left out'
        found['images_without_masks'] = without
    return LabelledSet(
        items,
        partial(convert_masks, threshold=threshold),
        categories,
        meanings,
        bad=('unreadable_masks',),
        found=found,
    )


def _find_components(
    tree: SourceTree,
    names: PairNames,
    unlabelled: str | None,
    settings: list[Any],
    threshold: float,
    categories: list[dict],
) -> LabelledSet:
    items, found, meanings = pair_items(
        tree, names, unlabelled or 'skip', *settings
    )
    return LabelledSet(
        items,
        partial(convert_components, threshold=threshold),
        categories,
        {**COMPONENT_CASES, **meanings},
        bad=tuple(BAD_COMPONENTS),
        found=found,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Convert and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0, 2 for input that the user can mend, 130 after
        Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        description='Convert images with binary masks to one COCO json with '
        'RLE masks. A run that was cut off goes on where it was.'
    )
    add_run_options(parser)
    parser.add_argument(
        '--objects',
        choices=OBJECTS,
        default='files',
        help='Whether each mask file is one object, or an image has one mask '
        'and each connected component of it is one object. Defaults to '
        'files.',
    )
    parser.add_argument(
        '--threshold',
        type=float,
        default=0,
        metavar='VALUE',
        help='Pixels above this value belong to an object. Defaults to 0.',
    )
    add_class_option(parser)
    add_unlabelled_option(parser, None, 'empty with files, else skip')
    add_name_options(parser)
    add_rule_options(parser)
    args = parser.parse_args(argv)
    return run_and_print(
        lambda: convert(
            args.src,
            args.out,
            rules=rules_of(args),
            names=names_of(args),
            objects=args.objects,
            unlabelled=args.unlabelled,
            threshold=args.threshold,
            class_name=args.class_name,
            workers=args.workers,
            allow_bad=args.allow_bad,
        ),
        args.out,
    )


if __name__ == '__main__':
    sys.exit(main())
