"""Convert any COCO instance json to one with compressed RLE.

SRC is a folder or zip with the images and, mostly, the json; polygons,
uncompressed and compressed RLE and crowds are read. Writes ``OUT/images``,
``OUT/annotations/instances.json`` and, beside it, ``conversion_report.json``.

Images are found by their file names at any depth and copied as they are; area
and box are those of the pixels. Images, annotations and categories that do
not fit together stop the conversion once all else is done; ``--allow-bad``
leaves them out. An image or category id that occurs twice is an error.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.coco_json import CocoDict
from cupre_mm.utils.errors import BadConfigError
from cupre_mm.utils.labelled_sets.coco_objects import (
    BAD_COCO,
    COCO_CASES,
    CROWDS,
    convert_annotations,
)
from cupre_mm.utils.labelled_sets.coco_source import (
    coco_items,
    read_annotations,
)
from cupre_mm.utils.labelled_sets.conversion import (
    Converted,
    LabelledSet,
    convert_set,
)
from cupre_mm.utils.labelled_sets.converter_cli import (
    add_rule_options,
    add_run_options,
    rules_of,
    run_and_print,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules


def convert(
    src: str | Path,
    out: str | Path,
    *,
    rules: ObjectRules,
    annotations: str | None = None,
    images_folder: str = '',
    crowds: str = 'keep',
    one_class: str | None = None,
    workers: int = 1,
    allow_bad: bool = False,
) -> Converted:
    """Convert the set; images done by an earlier run are not redone.

    Args:
        src (str | Path): The folder or zip.
        out (str | Path): The folder to write.
        rules (ObjectRules): What becomes of odd objects.
        annotations (str, optional): The json, in ``src`` or elsewhere on
            disk. Defaults to None: the only one of ``src``.
        images_folder (str): Folder of ``src`` to look for images in.
            Defaults to ``''``: anywhere.
        crowds (str): ``'keep'`` or ``'drop'``. Defaults to ``'keep'``.
        one_class (str, optional): Name of the one class that all categories
            become. Defaults to None: categories are kept.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether what does not fit together is left out.
            Defaults to False.

    Returns:
        Converted: What was done.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If the json is not COCO's or does not fit its images.
        BadConfigError: If ``crowds`` is none of the two.
    """
    if crowds not in CROWDS:
        raise BadConfigError(
            f'crowds must be one of {", ".join(CROWDS)}, got {crowds!r}'
        )

    def find(tree: SourceTree) -> LabelledSet:
        coco = read_annotations(tree, annotations)
        categories, ids = merged_categories(coco, one_class)
        items, found = coco_items(
            tree, coco, ids, images_folder, rules.as_dict(), crowds
        )
        done = 'kept' if crowds == 'keep' else 'dropped'
        return LabelledSet(
            items,
            partial(convert_annotations, crowds=crowds),
            categories,
            {**COCO_CASES, 'crowds': f'crowd annotations, {done}'},
            bad=tuple(BAD_COCO),
            found=found,
            keys={
                key: coco[key] for key in ('info', 'licenses') if key in coco
            },
        )

    return convert_set(
        src, out, find, rules=rules, workers=workers, allow_bad=allow_bad
    )


def merged_categories(
    coco: CocoDict, one_class: str | None
) -> tuple[list[dict], dict[int | str, int]]:
    """The categories to write, and their ids by those of the json.

    Args:
        coco (dict): The json.
        one_class (str, optional): Name that merges all of them; None keeps
            them, with their ids if those are numbers.

    Returns:
        tuple[list[dict], dict[int | str, int]]: Categories and new ids.
    """
    old = [category['id'] for category in coco['categories']]
    if one_class is not None:
        return [{'id': 1, 'name': one_class}], dict.fromkeys(old, 1)
    if all(isinstance(value, int) for value in old):
        return coco['categories'], {value: value for value in old}
    new = {value: place for place, value in enumerate(old, 1)}
    return [
        {**category, 'id': new[category['id']]}
        for category in coco['categories']
    ], new


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
        description='Convert any COCO instance json (polygons, RLE, crowds) '
        'and its images to one COCO json with compressed RLE masks. A run '
        'that was cut off goes on where it was.'
    )
    add_run_options(parser)
    parser.add_argument(
        '--annotations',
        metavar='JSON',
        help='The json, as a path in SRC or on disk. Defaults to the only '
        'one in SRC.',
    )
    parser.add_argument(
        '--images-folder',
        default='',
        metavar='FOLDER',
        help='The folder of SRC in which images are looked for. Defaults to '
        'all of SRC.',
    )
    parser.add_argument(
        '--one-class',
        metavar='NAME',
        help='Merge all categories into one of this name, such as cell. '
        'Defaults to keeping them.',
    )
    parser.add_argument(
        '--crowds',
        choices=CROWDS,
        default='keep',
        help='Keep or drop crowd annotations. Defaults to keep.',
    )
    add_rule_options(parser)
    args = parser.parse_args(argv)
    return run_and_print(
        lambda: convert(
            args.src,
            args.out,
            rules=rules_of(args),
            annotations=args.annotations,
            images_folder=args.images_folder,
            crowds=args.crowds,
            one_class=args.one_class,
            workers=args.workers,
            allow_bad=args.allow_bad,
        ),
        args.out,
    )


if __name__ == '__main__':
    sys.exit(main())
