"""Generate the embedded demo data set.

Example:
    python tools/make_demo_data.py data/demo --seed 0
"""

import argparse
from collections.abc import Sequence

from cupre_mm.utils.demo_data import SIZES, write_demo_data


def parse_args(
    argv: Sequence[str] | None = None,
) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Parse the command line.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.

    Returns:
        tuple: The parser, for reporting errors, and the arguments.
    """
    parser = argparse.ArgumentParser(
        description='Generate the demo data: a COCO-format set of textured '
        'shapes, unlabelled cell images in three looks, and a labelled cell '
        'set. The same seed gives the same data.'
    )
    parser.add_argument(
        'out',
        help='Folder to write to. It must be new, empty, or written by this '
        'tool before; a complete set of the same seed and size is kept, any '
        'other set of this tool is written anew.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='Seed of all randomness, not negative. Defaults to 0.',
    )
    parser.add_argument(
        '--size',
        choices=list(SIZES),
        default='demo',
        help="How much to write: 'demo' for the demo, 'tiny' for tests. "
        "Defaults to 'demo'.",
    )
    return parser, parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the set and tell what is where.

    Args:
        argv (Sequence[str], optional): Arguments without the program's name.
            Defaults to None, those of the process.
    """
    parser, args = parse_args(argv)
    try:
        report = write_demo_data(args.out, seed=args.seed, size=args.size)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    because = f' ({report.reason})' if report.reason else ''
    print(f'Demo data {report.action} in {report.folder}{because}:')
    for name, count in report.counts.items():
        print(f'  {count:6d} {name}')


if __name__ == '__main__':
    main()
