"""Convert LIVECell as it is downloaded to what the configs read.

Each SRC is a folder, a zip or a json file; the files are told by their names
at any depth: the tif images of images.zip, livecell_coco_{train,val,test}.json
(or LIVECell_single_cells/<type>/{train,val,test}.json in their place) and, if
you have them, the training splits 0_train2percent.json to
4_train50percent.json. Nothing is moved or changed in SRC.

Writes OUT/images/*.tif, OUT/annotations/livecell_coco_{train,val,test}.json,
OUT/annotations/seed0/ with the training splits and manifest.json,
OUT/livecell_train.txt with the training images for unlabelled pre-training,
and OUT/annotations/conversion_report.json, once all is complete.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import UserError
from cupre_mm.utils.livecell.annotation_rules import PROBLEMS
from cupre_mm.utils.livecell.cell_types import CELL_TYPES, parse_cell_types
from cupre_mm.utils.livecell.conversion import (
    LivecellOptions,
    convert_livecell,
)
from cupre_mm.utils.livecell.image_files import WAYS
from cupre_mm.utils.livecell.image_lists import first_of


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments; None takes the process's.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Convert LIVECell as it is downloaded to flat images, '
        'clean COCO json and training splits. A run that was cut off goes on '
        'where it was; nothing in SRC is moved or changed.'
    )
    parser.add_argument(
        'src',
        metavar='SRC',
        type=Path,
        nargs='+',
        help='Folders, zips and json files of LIVECell, for instance one '
        'folder with all downloads.',
    )
    parser.add_argument(
        'out', metavar='OUT', type=Path, help='The folder to write.'
    )
    parser.add_argument(
        '--images',
        choices=WAYS,
        default='link',
        help='How the images get to OUT: link makes hard links, one file '
        'with two names, and copies where that is not possible; copy copies; '
        'symlink makes symbolic links, which break when SRC is removed. '
        'Images in a zip are unpacked. Defaults to link.',
    )
    parser.add_argument(
        '--classes',
        choices=('cell', 'cell_type'),
        default='cell',
        help='One class named cell, or the eight cell types as classes. '
        'Defaults to cell.',
    )
    parser.add_argument(
        '--cell-types',
        nargs='+',
        metavar='TYPE',
        help='Convert these cell types only, of '
        f'{", ".join(CELL_TYPES)}. Defaults to all. Put it after OUT.',
    )
    parser.add_argument(
        '--no-official',
        dest='official',
        action='store_false',
        help="Draw every training split ourselves, also where LIVECell's own "
        'file is there. Ours are nested, the official ones are not.',
    )
    parser.add_argument(
        '--fractions',
        type=float,
        nargs='+',
        default=[5, 10, 20, 50, 100],
        metavar='PERCENT',
        help='The training splits there have to be, in percent; those that '
        'are not official are drawn. Defaults to 5 10 20 50 100.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='The seed of the splits that are drawn; names their folder. '
        'Defaults to 0.',
    )
    parser.add_argument(
        '--allow-bad',
        action='store_true',
        help='Leave out images that are absent, damaged or of another size '
        'than their annotations, instead of stopping.',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 8),
        help='The number of processes for the images. Defaults to the CPUs, '
        'at most 8.',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0, 2 for input that the user can mend, 130 after
        Ctrl-C.
    """
    args = parse_args(argv)
    start = time.monotonic()
    try:
        options = LivecellOptions(
            images=args.images,
            by_cell_type=args.classes == 'cell_type',
            cell_types=args.cell_types and parse_cell_types(args.cell_types),
            official=args.official,
            fractions=tuple(args.fractions),
            seed=args.seed,
            allow_bad=args.allow_bad,
        )
        report = convert_livecell(args.src, args.out, options, args.workers)
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            'interrupted; the same command goes on from here', file=sys.stderr
        )
        return 130
    print_report(report, args.out, args.seed)
    done = (
        'all of it was there already'
        if report['finished_before']
        else f'{time.monotonic() - start:.0f} s'
    )
    print(f'{args.out} is complete ({done})')
    return 0


def print_report(report: dict[str, Any], out: Path, seed: int) -> None:
    """Print what was written and what was odd.

    Args:
        report (dict): Of :func:`convert_livecell`.
        out (Path): The output folder.
        seed (int): Of the splits.
    """
    for part, written in report['parts'].items():
        print(f'{part}: {_numbers(written)} in annotations/{written["file"]}')
        for kind, entry in written['strata'].items():
            print(
                f'{kind:>10}{entry["images"]:>7} images'
                f'{entry["annotations"]:>9} cells'
            )
        repeated = written['repeated_images']
        if repeated:
            print(
                f'{len(repeated):>10} images listed more than once, taken as '
                f'one: {first_of(repeated)}'
            )
        for kind, meaning in PROBLEMS.items():
            found = written['problems'][kind]
            if found['count']:
                print(
                    f'{found["count"]:>10} {meaning}: '
                    f'{first_of(found["first"])}'
                )
    print(f'training splits in annotations/seed{seed}:')
    for name, split in report['splits'].items():
        source = split['official_file'] or (
            'the whole training part'
            if split['images'] == report['parts']['train']['images']
            else f'drawn with seed {seed}'
        )
        print(
            f'{name:>10}: {_numbers(split)} '
            f'({split["percent_annotations"]} % of the cells), {source}'
        )
        if split['not_in_training']:
            print(
                f'{len(split["not_in_training"]):>10} images of it are not '
                'in the training part and left out: '
                f'{first_of(split["not_in_training"])}'
            )
    if report['missing_official']:
        print(
            'official splits that SRC does not have: '
            f'{", ".join(report["missing_official"])}'
        )
    for key, meaning in (
        ('left_out_images', 'images left out'),
        ('unused_images', 'tif files that no annotation file names'),
        ('ignored_files', 'files that are not of LIVECell, ignored'),
    ):
        names = list(report[key])
        if names:
            print(f'{len(names)} {meaning}: {first_of(names)}')
    placed = ', '.join(
        f'{count} {way}' for way, count in report['images_placed'].items()
    )
    print(f'images: {placed}')
    print(
        f'the training images are listed in {out / "livecell_train.txt"}, for '
        'unlabelled pre-training without the test images'
    )


def _numbers(entry: dict[str, Any]) -> str:
    return f'{entry["images"]} images, {entry["annotations"]} cells'


if __name__ == '__main__':
    sys.exit(main())
