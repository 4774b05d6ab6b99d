"""Convert BBBC038 (Data Science Bowl 2018, stage1_train) to COCO json.

SRC is the original zip or its unpacked folder, ``<id>/images/<id>.png`` and
``<id>/masks/*.png``, at any depth. Writes ``OUT/images/<id>.png``,
``OUT/annotations/instances.json`` and, beside it, ``conversion_report.json``.

cupre_mm/utils/labelled_sets/mask_files.py states what becomes of odd masks and
images; each case is counted and listed in the report, objects cut by the
border or in pieces too, all of which are kept. An unreadable file stops the
conversion once all others are done; ``--allow-bad`` leaves it out. Files that
are neither image nor mask are ignored.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from cupre_mm.utils.archives import SourceTree
from cupre_mm.utils.errors import BadDataError
from cupre_mm.utils.labelled_sets.conversion import (
    Converted,
    LabelledSet,
    convert_set,
    fingerprint,
)
from cupre_mm.utils.labelled_sets.converter_cli import (
    add_run_options,
    run_and_print,
)
from cupre_mm.utils.labelled_sets.mask_files import (
    MASK_CASES,
    MaskItem,
    convert_masks,
)
from cupre_mm.utils.labelled_sets.object_rules import ObjectRules

HINT = (
    'Get stage1_train.zip of accession BBBC038 (CC0) from the Broad '
    'Bioimage Benchmark Collection, https://bbbc.broadinstitute.org/BBBC038, '
    'and pass the zip or its unpacked folder as SRC'
)
LAYOUT = re.compile(r'(.*/)?([^/]+)/(images|masks)/([^/]+\.png)')
IGNORED = {'ignored_files': 'files neither image nor mask, ignored'}
RULES = ObjectRules()


def list_items(tree: SourceTree) -> tuple[list[MaskItem], list[str]]:
    """Find the images and their masks.

    Args:
        tree (SourceTree): The source.

    Returns:
        tuple[list[MaskItem], list[str]]: The images sorted by id, and the
        files that belong to none.

    Raises:
        BadDataError: If there is no image, an id has masks but no image, or
            the source holds more than one data set.
    """
    images: dict[str, str] = {}
    masks: dict[str, list[str]] = {}
    ignored, roots = [], set()
    for path in tree.names:
        match = LAYOUT.fullmatch(path)
        root, name, kind, file = match.groups() if match else (None,) * 4
        # Archives made on a Mac carry a shadow folder of file attributes.
        if not match or '__MACOSX' in path or file.startswith('.'):
            ignored.append(path)
        elif kind == 'masks':
            masks.setdefault(name, []).append(path)
            roots.add(root or './')
        elif file == f'{name}.png':
            images[name] = path
            roots.add(root or './')
        else:
            ignored.append(path)
    if len(roots) > 1:
        raise BadDataError(
            f'{tree.path} holds several data sets: {", ".join(sorted(roots))}'
            '; unpack it and pass the folder of stage1_train alone'
        )
    if not images:
        raise BadDataError(
            f'{tree.path} has no file <id>/images/<id>.png. {HINT}'
        )
    orphans = sorted(masks.keys() - images.keys())
    if orphans:
        raise BadDataError(
            f'{tree.path}: {len(orphans)} id(s) have masks but no image, '
            f'first {orphans[0]}/images/{orphans[0]}.png; download or unpack '
            'the data set again'
        )
    return [
        _item(tree, name, images[name], sorted(masks.get(name, ())))
        for name in sorted(images)
    ], ignored


def _item(
    tree: SourceTree, name: str, image: str, masks: list[str]
) -> MaskItem:
    return MaskItem(
        name,
        image,
        tuple(masks),
        f'{name}.png',
        fingerprint(tree, (image, *masks), RULES.as_dict()),
    )


def convert(
    src: str | Path, out: str | Path, workers: int = 1, allow_bad: bool = False
) -> Converted:
    """Convert the data set; images done by an earlier run are not redone.

    Args:
        src (str | Path): The zip or folder.
        out (str | Path): The folder to write.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether unreadable files are left out instead of
            stopping the conversion. Defaults to False.

    Returns:
        Converted: What was done.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If it is not BBBC038, or files are unreadable.
    """

    def find(tree: SourceTree) -> LabelledSet:
        items, ignored = list_items(tree)
        return LabelledSet(
            items,
            convert_masks,
            [{'id': 1, 'name': 'nucleus'}],
            {**MASK_CASES, **IGNORED},
            bad=('unreadable_masks',),
            found={'ignored_files': ignored},
            keys={'info': {'description': 'BBBC038 stage1_train, CC0'}},
        )

    return convert_set(
        src,
        out,
        find,
        rules=RULES,
        workers=workers,
        allow_bad=allow_bad,
        hint=HINT,
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
        description='Convert BBBC038 stage1_train to png images and one COCO '
        'json with RLE masks. A run that was cut off goes on where it was.'
    )
    add_run_options(parser)
    args = parser.parse_args(argv)
    return run_and_print(
        lambda: convert(args.src, args.out, args.workers, args.allow_bad),
        args.out,
        'nuclei',
    )


if __name__ == '__main__':
    sys.exit(main())
