"""Convert BBBC038 (Data Science Bowl 2018, stage1_train) to COCO json.

SRC is the original zip or its unpacked folder, ``<id>/images/<id>.png`` and
``<id>/masks/*.png``, at any depth. Writes ``OUT/images/<id>.png``,
``OUT/annotations/instances.json`` and, beside it, ``conversion_report.json``.

cupre_mm/utils/mask_files.py states what becomes of odd masks and images; each
case is counted and listed in the report. An unreadable file stops the
conversion once all others are done; ``--allow-bad`` leaves it out. Files that
are neither image nor mask are ignored.
"""

import argparse
import hashlib
import os
import re
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cupre_mm.utils.archives import SourceTree, open_source
from cupre_mm.utils.atomic_write import make_folder
from cupre_mm.utils.coco_json import write_json
from cupre_mm.utils.errors import BadDataError, UserError
from cupre_mm.utils.mask_files import PROBLEMS, Item, convert_item
from cupre_mm.utils.resumable import run_resumable

HINT = (
    'Get stage1_train.zip of accession BBBC038 (CC0) from the Broad '
    'Bioimage Benchmark Collection, https://bbbc.broadinstitute.org/BBBC038, '
    'and pass the zip or its unpacked folder as SRC'
)
JOURNAL = 'instances.progress.jsonl'
LAYOUT = re.compile(r'(.*/)?([^/]+)/(images|masks)/([^/]+\.png)')


def list_items(tree: SourceTree) -> tuple[list[Item], list[str]]:
    """Find the images and their masks.

    Args:
        tree (SourceTree): The source.

    Returns:
        tuple[list[Item], list[str]]: The images sorted by id, and the files
        that belong to none.

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


def _item(tree: SourceTree, name: str, image: str, masks: list[str]) -> Item:
    parts = [
        f'{file.rsplit("/", 1)[-1]}:{_checksum(tree, file)}'
        for file in (image, *masks)
    ]
    fingerprint = hashlib.sha256(' '.join(parts).encode()).hexdigest()
    return Item(name, image, tuple(masks), fingerprint)


def _checksum(tree: SourceTree, file: str) -> str:
    try:
        return tree.checksum(file)
    except BadDataError:
        # Met again, listed and judged when the image is converted.
        return 'unreadable'


def convert(
    src: str | Path, out: str | Path, workers: int = 1, allow_bad: bool = False
) -> dict[str, Any]:
    """Convert the data set; images done by an earlier run are not redone.

    Args:
        src (str | Path): The zip or folder.
        out (str | Path): The folder to write.
        workers (int): Processes. Defaults to 1.
        allow_bad (bool): Whether unreadable files are left out instead of
            stopping the conversion. Defaults to False.

    Returns:
        dict: ``images``, ``annotations``, ``converted`` (in this run) and the
        list of files of each kind of problem.

    Raises:
        MissingDataError: If ``src`` does not exist.
        BadDataError: If it is not BBBC038, or files are unreadable.
    """
    folder, images = Path(out) / 'annotations', Path(out) / 'images'
    with open_source(src, HINT) as tree:
        items, ignored = list_items(tree)
        make_folder(folder)
        make_folder(images)
        # An older json must not outlive images that are about to change.
        (folder / 'instances.json').unlink(missing_ok=True)
        records, converted = run_resumable(
            items,
            partial(convert_item, images=images),
            folder / JOURNAL,
            workers,
            context=partial(open_source, src),
            is_whole=lambda record: (
                images / f'{record["name"]}.png'
            ).is_file(),
        )
    problems = collect_problems(records, ignored)
    bad = problems['unreadable_images'] + problems['unreadable_masks']
    if bad and not allow_bad:
        raise BadDataError(
            f'{src}: {len(bad)} file(s) cannot be read as images: '
            f'{", ".join(bad[:5])}{", ..." if len(bad) > 5 else ""}; replace '
            'them and run the same command again, or add --allow-bad to '
            'leave them out'
        )
    coco = build_coco([records[item.name] for item in items])
    write_json(folder / 'conversion_report.json', problems, indent=1)
    write_json(folder / 'instances.json', coco)
    return {
        'images': len(coco['images']),
        'annotations': len(coco['annotations']),
        'converted': converted,
        **problems,
    }


def collect_problems(
    records: dict[str, dict], ignored: list[str]
) -> dict[str, list[str]]:
    """Gather the files of each kind of problem.

    Args:
        records (dict[str, dict]): By image id.
        ignored (list[str]): Files that belong to no image.

    Returns:
        dict[str, list[str]]: By kind, in order of the image ids.
    """
    problems: dict[str, list[str]] = {kind: [] for kind in PROBLEMS}
    for name in sorted(records):
        for kind, files in records[name]['problems'].items():
            problems[kind] += files
    return {**problems, 'ignored_files': ignored}


def build_coco(records: list[dict]) -> dict:
    """Put the records together.

    Args:
        records (list[dict]): Of all images, sorted by id. An unreadable one
            is left out but keeps its number, so that the others' ids do not
            depend on it.

    Returns:
        dict: COCO instance json.
    """
    images, annotations = [], []
    for image_id, record in enumerate(records, 1):
        if record['width'] is None:
            continue
        images.append(
            {
                'id': image_id,
                'file_name': f'{record["name"]}.png',
                'width': record['width'],
                'height': record['height'],
            }
        )
        for annotation in record['annotations']:
            annotations.append(
                {
                    **annotation,
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': 1,
                    'iscrowd': 0,
                }
            )
    return {
        'info': {'description': 'BBBC038 stage1_train, CC0'},
        'categories': [{'id': 1, 'name': 'nucleus'}],
        'images': images,
        'annotations': annotations,
    }


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
    parser.add_argument(
        'src', metavar='SRC', help='The original zip or its unpacked folder.'
    )
    parser.add_argument('out', metavar='OUT', help='The folder to write.')
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 8),
        help='The number of processes. Defaults to the CPUs, at most 8.',
    )
    parser.add_argument(
        '--allow-bad',
        action='store_true',
        help='Leave unreadable images and masks out instead of stopping.',
    )
    args = parser.parse_args(argv)
    start = time.monotonic()
    try:
        result = convert(args.src, args.out, args.workers, args.allow_bad)
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130
    ignored = {'ignored_files': 'files neither image nor mask, ignored'}
    for kind, meaning in {**PROBLEMS, **ignored}.items():
        files = result[kind]
        shown = ', '.join(files[:3]) + (', ...' if len(files) > 3 else '')
        print(f'{len(files):>6} {meaning}{": " + shown if files else ""}')
    print(
        f'wrote {result["images"]} images and {result["annotations"]} nuclei '
        f'to {args.out} ({result["converted"]} images converted in this run, '
        f'{time.monotonic() - start:.0f} s); every file listed above is in '
        'annotations/conversion_report.json'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
