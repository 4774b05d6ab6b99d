"""Make nested few-shot splits of a COCO annotation file.

Writes OUT/train_5.json and so on, OUT/test.json, OUT/val.json if asked for,
and OUT/manifest.json. The same command writes the same bytes on any machine.
"""

import argparse
import sys
from collections.abc import Sequence

from cupre_mm.datasets.few_shot import MANIFEST, SplitRecipe, write_splits
from cupre_mm.utils.errors import UserError


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments; None takes the process's.

    Returns:
        Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description='Make nested, seeded few-shot splits of a COCO json. '
        'Counts are rounded half up and are at least one image.'
    )
    parser.add_argument(
        'ann', metavar='ANN', help='The COCO instance json that is split.'
    )
    parser.add_argument(
        'out', metavar='OUT', help='The folder that the splits go into.'
    )
    parser.add_argument(
        '--fractions',
        type=float,
        nargs='+',
        default=[5, 10, 20, 50, 100],
        metavar='PERCENT',
        help='Sizes in percent of the training part; 100 is all of it. '
        'Defaults to 5 10 20 50 100.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='The seed that chooses the order of the images. Defaults to 0.',
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
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the splits and say what was written.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None: the
            process's.

    Returns:
        int: Exit code: 0, or 2 for input that the user can mend.
    """
    args = parse_args(argv)
    try:
        recipe = SplitRecipe(
            tuple(args.fractions),
            args.seed,
            args.test_fraction,
            args.val_fraction,
        )
        manifest = write_splits(args.ann, args.out, recipe)
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    source = manifest['source']
    print(
        f'split {source["file"]}: {source["images"]} images, '
        f'{source["annotations"]} annotations, seed {manifest["seed"]}'
    )
    for name, split in manifest['splits'].items():
        print(
            f'  {name:<10}{split["images"]:>7} images'
            f'{split["annotations"]:>9} annotations'
        )
        if not split['annotations']:
            print(
                f'warning: {name} has no annotation at all, so nothing can be '
                'learnt or measured on it; take a larger fraction or another '
                'seed',
                file=sys.stderr,
            )
    print(f'wrote them and {MANIFEST} to {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
