"""Convert images with label images, one number an object, to COCO json.

SRC is a folder or zip in one of the usual layouts, at any depth: Cellpose's
``<name>_img.*`` + ``<name>_masks.*`` or ``<name>.*`` + ``<name>_cp_masks.*``
in one folder, or parallel folders such as ``images/<name>.*`` +
``masks/<name>.*`` (StarDist) or ``labels/``. Labels are TIFF, PNG or BMP of
any number type; 0 is background. Writes ``OUT/images``,
``OUT/annotations/instances.json`` and, beside it, ``conversion_report.json``.

Images are copied as they are, 16 bits stay 16 bits. A label image that
cannot be used (unreadable, of another size than its image, fractions,
negative numbers, colours, several planes) stops the conversion once all
others are done; ``--allow-bad`` leaves it and its image out.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.conversion import (
    Converted,
    LabelledSet,
    convert_set,
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
from cupre_mm.utils.labelled_sets.label_files import (
    BAD_LABELS,
    LABEL_CASES,
    LabelReading,
    convert_labels,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules
from cupre_mm.utils.labelled_sets.paired_files import PairNames
from cupre_mm.utils.labelled_sets.paired_items import pair_items


def convert(
    src: str | Path,
    out: str | Path,
    *,
    rules: ObjectRules,
    names: PairNames,
    reading: LabelReading,
    unlabelled: str = 'skip',
    single_labels: bool = False,
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
        reading (LabelReading): How label images are read.
        unlabelled (str): What becomes of images without a label image:
            ``'skip'``, ``'empty'`` or ``'error'``. Defaults to ``'skip'``.
        single_labels (bool): Whether label images may mostly hold one object
            in several pieces. Defaults to False: such a set is refused, as
            its label images are binary masks more likely than not.
        class_name (str): Of the objects. Defaults to ``'cell'``.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether label images and images that cannot be used
            are left out. Defaults to False.

    Returns:
        Converted: What was done.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If it has no pairs, or files that cannot be used.
    """

    def find(tree: SourceTree) -> LabelledSet:
        items, found, meanings = pair_items(
            tree, names, unlabelled, rules.as_dict(), vars(reading)
        )
        return LabelledSet(
            items,
            partial(convert_labels, reading=reading),
            [{'id': 1, 'name': class_name}],
            {**LABEL_CASES, **meanings},
            bad=tuple(BAD_LABELS),
            found=found,
            check=partial(_check_kind, len(items), single_labels),
        )

    return convert_set(
        src, out, find, rules=rules, workers=workers, allow_bad=allow_bad
    )


def _check_kind(
    images: int, single_labels: bool, result: Converted
) -> list[str]:
    single = result.cases['single_labels']
    with_objects = images - len(result.cases['empty_images'])
    if not single_labels and 2 * len(single) > with_objects:
        raise BadDataError(
            f'{len(single)} of {images} label images have one number for '
            f'several separate pieces, first {single[0]}: they look like '
            'binary masks. Use binary_masks.py with --objects components, '
            'which makes each piece an object; or add --single-labels if each '
            'image does show one object in pieces'
        )
    pieces = result.cases['objects_in_pieces']
    if 2 * len(pieces) > result.annotations:
        return [
            f'{len(pieces)} of {result.annotations} objects are of several '
            f'components, first {pieces[0]}: if the numbers are classes and '
            'not objects, this is no instance segmentation'
        ]
    return []


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
        description='Convert images with label images (one number an object, '
        'as Cellpose and StarDist use) to one COCO json with RLE masks. A run '
        'that was cut off goes on where it was.'
    )
    add_run_options(parser)
    add_class_option(parser)
    add_unlabelled_option(parser, 'skip')
    parser.add_argument(
        '--colour-coded',
        action='store_true',
        help='Take each colour of a colour label image, but black, for one '
        'object.',
    )
    parser.add_argument(
        '--negative-background',
        action='store_true',
        help='Take negative numbers for background.',
    )
    parser.add_argument(
        '--single-labels',
        action='store_true',
        help='Accept a set whose label images mostly hold one number for '
        'several pieces, which is otherwise refused as binary masks.',
    )
    add_name_options(parser)
    add_rule_options(parser)
    args = parser.parse_args(argv)
    return run_and_print(
        lambda: convert(
            args.src,
            args.out,
            rules=rules_of(args),
            names=names_of(args),
            reading=LabelReading(args.colour_coded, args.negative_background),
            unlabelled=args.unlabelled,
            single_labels=args.single_labels,
            class_name=args.class_name,
            workers=args.workers,
            allow_bad=args.allow_bad,
        ),
        args.out,
    )


if __name__ == '__main__':
    sys.exit(main())
