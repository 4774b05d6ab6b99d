"""Make nested few-shot splits of a COCO annotation file.

Writes OUT/train_5.json and so on, OUT/test.json, OUT/val.json if asked for,
and OUT/manifest.json; with several seeds into OUT/seed0 and so on. The same
command writes the same bytes on any machine.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cupre_mm.utils.errors import UserError
from cupre_mm.utils.few_shot import (
    MANIFEST,
    STRATA,
    SplitRecipe,
    write_seeds,
    write_splits,
)
from cupre_mm.utils.few_shot.image_attribute import shortened

MOST_STRATA_SHOWN = 30


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments; None takes the process's.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Make nested, seeded few-shot splits of a COCO json. '
        'Counts are rounded half up and are at least one image. The test and '
        'validation parts are the same for all seeds.'
    )
    parser.add_argument(
        'ann', metavar='ANN', help='The COCO instance json that is split.'
    )
    parser.add_argument(
        'out', metavar='OUT', help='The folder that the splits go into.'
    )
    _add_sizes(parser)
    _add_seeds(parser)
    _add_method(parser)
    args = parser.parse_args(argv)
    if args.images and args.stratify != 'auto':
        parser.error('--images is read for --stratify auto alone')
    return args


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--fractions',
        type=float,
        nargs='*',
        default=[5, 10, 20, 50, 100],
        metavar='PERCENT',
        help='Sizes in percent of the training part; 100 is all of it. None '
        'after the flag makes shots alone. Defaults to 5 10 20 50 100.',
    )
    parser.add_argument(
        '--shots',
        type=int,
        nargs='+',
        default=[],
        metavar='K',
        help='Sizes in images: 10 writes train_10shots.json. They are nested '
        'with one another and with the fractions. Defaults to none.',
    )
    parser.add_argument(
        '--shots-per-stratum',
        type=int,
        nargs='+',
        default=[],
        metavar='K',
        help='Sizes in images of each stratum: 2 writes '
        'train_2shots_per_stratum.json. Nested with one another, not with '
        'the other sizes. Needs --stratify. Defaults to none.',
    )
    parser.add_argument(
        '--test-fraction',
        type=float,
        default=0.2,
        metavar='SHARE',
        help='The share of all images held out as test.json. Give 0 where '
        'the data set brings its own test file, as LIVECell does. Defaults '
        'to 0.2.',
    )
    parser.add_argument(
        '--val-fraction',
        type=float,
        default=0.0,
        metavar='SHARE',
        help='The share of what the test leaves that is held out as val.json, '
        'to tune on without the test images. Defaults to 0: no such file.',
    )


def _add_seeds(parser: argparse.ArgumentParser) -> None:
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument(
        '--seed',
        type=int,
        default=0,
        help='The seed that chooses the order of the training images. '
        'Defaults to 0.',
    )
    seeds.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        metavar='SEED',
        help='Several seeds at once, written into OUT/seed<SEED>. Defaults '
        'to the one of --seed, written into OUT itself.',
    )
    parser.add_argument(
        '--test-seed',
        type=int,
        default=0,
        metavar='SEED',
        help='The seed that chooses the test and validation images, apart '
        'from the other, so that no seed trains on what another is tested '
        'on. Defaults to 0.',
    )


def _add_method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--stratify',
        metavar='KEY|CSV|auto',
        help='Give every part its share of each stratum: of the values of a '
        'key of the image entries, such as cell_type; of a csv file with the '
        'columns file_name and attribute; or, with auto, of image sizes and '
        'intensities. Defaults to no strata.',
    )
    parser.add_argument(
        '--images',
        metavar='FOLDER',
        help='The folder that the file names of ANN start from, for '
        '--stratify auto. Defaults to none.',
    )
    parser.add_argument(
        '--balance',
        choices=['none', 'instances'],
        default='none',
        help='With instances, 5 %% of the images have nearly 5 %% of the '
        'instances, and other parts alike. Defaults to none, the order by '
        'hash alone.',
    )
    parser.add_argument(
        '--group',
        metavar='KEY|CSV',
        help='A key of the image entries or a csv file, as for --stratify, '
        'that tells images of one scene: frames of a film, tiles of a slide. '
        'A scene is never on both sides of the test or of the validation '
        'part. Few-shot splits may hold a part of one. Defaults to every '
        'image being a scene.',
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Make the splits and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0, 2 for input that the user can mend, 130 after
        Ctrl-C.
    """
    args = parse_args(argv)
    try:
        recipe = SplitRecipe(
            fractions=tuple(args.fractions),
            seed=args.seed,
            test_fraction=args.test_fraction,
            val_fraction=args.val_fraction,
            test_seed=args.test_seed,
            shots=tuple(args.shots),
            shots_per_stratum=tuple(args.shots_per_stratum),
            stratify=args.stratify,
            balance=args.balance,
            group=args.group,
        )
        if args.seeds:
            manifests = write_seeds(
                args.ann, args.out, recipe, args.seeds, args.images
            )
        else:
            manifests = {
                args.seed: write_splits(
                    args.ann, args.out, recipe, args.images
                )
            }
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f'interrupted; a folder without {MANIFEST} is not complete: run '
            'the same command again',
            file=sys.stderr,
        )
        return 130
    for seed, manifest in manifests.items():
        _print_splits(manifest)
        _print_strata(manifest)
        folder = Path(args.out, f'seed{seed}') if args.seeds else args.out
        also = f', {STRATA}' if 'strata' in manifest else ''
        print(f'wrote them{also} and {MANIFEST} to {folder}')
    # The parts that it is about are the same for all seeds.
    _warn_of_absent_strata(next(iter(manifests.values())))
    return 0


def _print_splits(manifest: Mapping[str, Any]) -> None:
    source, splits = manifest['source'], manifest['splits']
    print(
        f'split {source["file"]}: {source["images"]} images, '
        f'{source["annotations"]} annotations, seed {manifest["seed"]}'
    )
    width = max(10, *(len(name) + 1 for name in splits))
    for name, split in splits.items():
        groups = f', {split["groups"]} groups' if 'groups' in split else ''
        print(
            f'  {name:<{width}}{split["images"]:>7} images'
            f'{split["annotations"]:>9} annotations'
            f'  ({split["percent_images"]:.2f} and '
            f'{split["percent_annotations"]:.2f} %{groups})'
        )
        if not split['annotations']:
            _warn(
                f'{name} has no annotation at all, so nothing can be learnt '
                'or measured on it; take a larger fraction or another seed'
            )


def _print_strata(manifest: Mapping[str, Any]) -> None:
    strata = manifest.get('strata', {})
    if not strata:
        return
    splits = manifest['splits']
    width = max(len(stratum) for stratum in [*strata, 'images of'])
    columns = {name: max(6, len(name)) for name in ['all', *splits]}
    head = ''.join(f'  {name:>{size}}' for name, size in columns.items())
    print(f'  {"images of":<{width}}{head}')
    for stratum in list(strata)[:MOST_STRATA_SHOWN]:
        counts = {'all': strata[stratum]['images']}
        for name, split in splits.items():
            counts[name] = split['strata'][stratum]['images']
        row = ''.join(
            f'  {counts[name]:>{size}}' for name, size in columns.items()
        )
        print(f'  {stratum:<{width}}{row}')
    if len(strata) > MOST_STRATA_SHOWN:
        print(
            f'  and {len(strata) - MOST_STRATA_SHOWN} more strata, see '
            f'{MANIFEST}'
        )


def _warn_of_absent_strata(manifest: Mapping[str, Any]) -> None:
    for part, names in manifest.get('absent_strata', {}).items():
        strata = manifest['strata']
        shown = shortened(
            [f'{name!r} ({_images(strata[name])})' for name in names]
        )
        _warn(
            f'{len(names)} of the {len(strata)} strata have too few images '
            f'to be in every part; none in the {part} part: {shown}'
        )


def _images(counts: Mapping[str, int]) -> str:
    return f'{counts["images"]} image{"s" if counts["images"] > 1 else ""}'


def _warn(message: str) -> None:
    print(f'warning: {message}', file=sys.stderr)


if __name__ == '__main__':
    sys.exit(main())
